"""What a model is to the engine: its description, and sessions that run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # pydantic takes a third of neutone's import time: only those who open models pay for it
    from neutone.model.metadata import ModelMetadata

Array = NDArray[np.float32]


class Session(ABC):
    """A model made ready for one sample rate and one (largest) block N. It owns the memory that audio is exchanged in;
    the stream writes ``audio_in`` and ``params``, calls :meth:`run`, and reads ``audio_out``. The three arrays are
    float32, C-contiguous, and stay where they are for the session's life.

    Where the model takes any block size, ``run`` may be called with fewer frames than N. Rows are then packed: the
    first ``C_in * (N_LB + frames)`` floats of ``audio_in`` are a (C_in, N_LB + frames) tensor, the first
    ``P * frames`` of ``params`` a (P, frames) one, and the first ``C_out * frames`` of ``audio_out`` are to be filled
    as (C_out, frames).
    """

    audio_in: Array
    """(C_in, N_LB + N): N_LB frames of look-behind, then the block, the newest frame last."""
    params: Array
    """(P, N), 0..1, one value a frame for each declared parameter; P may be 0."""
    audio_out: Array
    """(C_out, N)"""

    model_delay: int | None = None
    """Frames at the session's rate by which its output lags its input, where that depends on the rate or block; None:
    the model's own ``model_delay``."""

    native: object | None = None
    """A PyCapsule named ``neutone.session`` around the struct ``nt_session`` of ``neutone/nt_session.h``: the same as
    :meth:`run` and :meth:`reset`, callable without the GIL, and why a run failed. An engine calls it instead of the
    methods, and keeps both the capsule and the session for as long as it may. None: there is none."""

    @abstractmethod
    def run(self, frames: int) -> None:
        """Fill ``audio_out`` from ``audio_in`` and ``params``. Called once a model block, in order, never from two
        threads at once. Whatever it raises turns the block into silence and reaches the caller of ``process``."""

    def reset(self) -> None:  # noqa: B027
        """Back to the state before the first block. A model without state needs none."""

    def close(self) -> None:  # noqa: B027
        """Free what the runtime holds. The session is not used afterwards."""


class Model(ABC):
    """A loaded model: its description, and sessions to run it."""

    metadata: ModelMetadata
    model_delay: int = 0
    """Frames at the model's rate by which its output lags its input."""

    @property
    def input_channels(self) -> int:
        """C_in. Models for more than two channels override it."""
        return 1 if self.metadata.is_input_mono else 2

    @property
    def output_channels(self) -> int:
        """C_out. Models for more than two channels override it."""
        return 1 if self.metadata.is_output_mono else 2

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.metadata.model_name!r}>"

    @abstractmethod
    def prepare(self, sample_rate: int, block_size: int) -> Session:
        """A session at one of the native rates (Hz) and for one of the native block sizes (frames), or, where the
        metadata lists none, at any rate and for any block up to ``block_size``. Sessions of one model are independent
        of each other unless the backend's documentation says otherwise."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a model file says of itself."""

    metadata: ModelMetadata
    input_channels: int | None
    """None: the file does not say; it shows when the model runs."""
    output_channels: int | None
    """None: the file does not say; it shows when the model runs."""
    model_delay: int | None
    """Frames at the model's rate by which its output lags its input; None: the file does not say, but the model does
    when it runs."""

    @classmethod
    def of(cls, model: Model) -> Self:
        """The summary of a model that is loaded."""
        return cls(model.metadata, model.input_channels, model.output_channels, model.model_delay)
