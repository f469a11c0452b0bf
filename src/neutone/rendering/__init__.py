"""Offline rendering: whole signals and whole files through an engine, with the delay compensated."""
