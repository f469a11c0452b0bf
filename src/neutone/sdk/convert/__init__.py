"""From ``.nm`` files of any origin to ONNX."""
