"""The base class of all models."""

from neutone.sdk import NeutoneModel

__all__ = ["NeutoneModel"]
