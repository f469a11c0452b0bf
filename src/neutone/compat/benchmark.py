"""Measure files: not part of neutone yet. ``neutone bench`` measures a model."""

from neutone.compat.not_yet import refuse_missing

__getattr__ = refuse_missing(__name__)
