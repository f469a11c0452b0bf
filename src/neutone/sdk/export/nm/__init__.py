"""The exporter ``nm``: TorchScript files that hosts run without neutone."""
