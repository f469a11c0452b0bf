"""Wrap PyTorch models: the base classes of wrappers, their metadata, and how wrappers are found by name."""
