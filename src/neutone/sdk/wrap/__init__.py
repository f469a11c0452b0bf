"""Wrapping a PyTorch model: what a wrapper is, what it says of the model, and where it is found."""
