"""Checks of models: what a file says against what the model does, how late it is, and how fast."""
