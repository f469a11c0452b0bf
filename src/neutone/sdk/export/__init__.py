"""From a wrapped model to ``.nm`` and ``.onnx`` files, and the checks that each file passes first."""
