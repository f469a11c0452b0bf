"""As much of torchaudio as neutone_sdk 1.5.2 needs to be imported and to export a model; no audio passes through it."""

from . import transforms

__all__ = ["transforms"]
