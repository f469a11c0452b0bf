"""The exporter ``onnx``: files that need no PyTorch."""
