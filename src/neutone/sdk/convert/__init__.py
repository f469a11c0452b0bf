"""Convert ``.nm`` files of any origin to ONNX."""
