"""Streaming spectrograms: not part of neutone yet."""

from neutone.compat.not_yet import refuse_missing

__getattr__ = refuse_missing(__name__)
