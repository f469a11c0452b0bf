"""Checks of models: whether they do what their files say, how much they delay audio, and how fast they are."""
