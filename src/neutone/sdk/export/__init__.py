"""Export wrapped models to ``.nm`` and ``.onnx`` files, and check each file before it is put in place."""
