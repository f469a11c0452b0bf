"""Offline rendering: run whole signals and whole files through an engine, and compensate its delay."""
