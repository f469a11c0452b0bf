"""A wrapped model in memory. Its sessions run copies."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from neutone.errors import ConfigurationError, ModelFileError, NeutoneError, first_line
from neutone.model.metadata import ModelMetadata
from neutone.plugins import Model
from neutone_torch.eager.session import PythonSession
from neutone_torch.runtime import Inference, require_torch

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase

TYPICAL_RATE, TYPICAL_BLOCK = 48_000, 512


class PythonModel(Model):
    """A model that :class:`neutone_torch.PythonBackend` has loaded.

    Raises:
        neutone.errors.ModelFileError: The model cannot be copied.
    """

    def __init__(self, wrapper: WaveformToWaveformBase, threads: int) -> None:
        self._threads = threads
        self._name = type(wrapper).__name__
        self._wrapper = wrapper
        self._wrapper = self.copy()
        self.metadata = ModelMetadata(**wrapper.to_metadata())
        rate = (self.metadata.native_sample_rates or [TYPICAL_RATE])[0]
        size = (self.metadata.native_buffer_sizes or [TYPICAL_BLOCK])[0]
        self.model_delay = self.prepare(rate, size).model_delay or 0

    def copy(self) -> WaveformToWaveformBase:
        """Return a copy of the model as it was when it was loaded, in eval mode."""
        try:
            return copy.deepcopy(self._wrapper).eval()
        except Exception as error:  # anything that parts of the model raise
            raise ModelFileError(
                f"{self._name} cannot be copied for a session: {type(error).__name__}: {error}"
            ) from error

    def prepare(self, sample_rate: int, block_size: int) -> PythonSession:
        """Make a session on a copy of the model.

        Raises :class:`~neutone.errors.ModelFileError` if the model cannot be set to this sample rate (Hz) and block
        size (frames).
        """
        try:
            with Inference(require_torch(), self._threads):
                return PythonSession(self.copy, self.metadata, sample_rate, block_size, self._threads)
        except NeutoneError as error:
            if isinstance(error, ConfigurationError | ModelFileError):
                raise
            raise ModelFileError(f"{self._name}: {error}") from error
        except Exception as error:  # anything that the model raises
            raise ModelFileError(
                f"{self._name} cannot be set to {sample_rate} Hz and blocks of {block_size} frames: {first_line(error)}"
            ) from error
