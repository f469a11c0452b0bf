"""The exporter ``nm``: TorchScript files that hosts run by themselves."""
