"""What a backend and a host must do. The docstrings are the contract; :mod:`neutone.testing` checks it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from neutone.latency import Latency

if TYPE_CHECKING:  # pydantic takes a third of neutone's import time: only those who open models pay for it
    from neutone.engine import Engine
    from neutone.errors import HostError
    from neutone.metadata import ModelMetadata

__all__ = ["Backend", "Host", "HostStats", "LiveHost", "Model", "ModelSummary", "Session"]

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


class Backend(ABC):
    """One inference runtime. Heavy imports belong into :meth:`load`, so that listing plug-ins stays cheap and works
    without the extra."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    """Lower-case file suffixes, with the dot, that :func:`neutone.load` gives to this backend."""
    runs_code: ClassVar[bool] = False
    """Whether a file is a program that :meth:`load` runs. One that neutone has fetched is then opened only if the user
    trusts it."""

    @abstractmethod
    def load(self, path: str | Path, **options: Any) -> Model:
        """The model in a file (or whatever ``path`` names to this backend). Raises
        :class:`~neutone.errors.ModelFileError` where the file is not one, :class:`FileNotFoundError` where there is
        none, :class:`~neutone.errors.MissingExtraError` where the runtime is not installed, and
        :class:`~neutone.errors.ConfigurationError` for options that it does not know."""

    def inspect(self, path: str | Path, **options: Any) -> ModelSummary:
        """What the file says of itself: for ``neutone info``. Options and errors are those of :meth:`load`.

        A backend whose :meth:`load` runs code of the file, or takes long, overrides this and runs nothing. By default
        the model is loaded.
        """
        return ModelSummary.of(self.load(path, **options))


@dataclass(frozen=True, slots=True)
class HostStats:
    """How a host is doing."""

    blocks: int = 0
    """host blocks processed"""
    xruns: int = 0
    """blocks that the audio system reported lost, or that failed"""
    load: float = 0.0
    """compute time / audio time of what was processed so far"""
    late_frames: int = 0
    """host frames that became silence because they were not ready in time"""


class Host(ABC):
    """One way for audio to come and go: a callback, an audio server, a sound card."""

    name: ClassVar[str]

    @abstractmethod
    def start(self) -> None:
        """Begin to process. Starting twice is an error (:class:`RuntimeError`)."""

    @abstractmethod
    def stop(self) -> None:
        """End. Stopping twice, or before a start, does nothing."""

    @property
    @abstractmethod
    def stats(self) -> HostStats:
        """A snapshot; it may be taken at any time, from any thread."""

    @property
    @abstractmethod
    def latency(self) -> Latency:
        """From the host's input to its output, without the audio system's own buffers."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class LiveHost(Host):
    """A host whose audio comes by itself, from a server or a device, to an engine in the background: what
    ``neutone live`` can run. It may also have ``client_name``, and for MIDI ``cc_map``, ``learn(name)`` and
    ``learning``."""

    @classmethod
    @abstractmethod
    def open(
        cls, model: Model, *, channels: int | None = None, slack: int = 1, late: str = "silence", **options: Any
    ) -> Self:
        """A host that is ready to start, with an engine of its own that fits the server or device. ``channels`` (in and
        out) are by default those of the model's wider side; ``options`` are the host's own, as keywords in its
        signature. Raises :class:`~neutone.errors.HostError` where there is no server or device, and
        :class:`~neutone.errors.MissingExtraError` where its library is not installed."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine that does the work."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether it has been started, and neither stopped nor lost its server or device."""

    @property
    @abstractmethod
    def error(self) -> HostError | None:
        """Why the server or device went away; None where it did not."""

    @abstractmethod
    def close(self) -> None:
        """Stop, and close the engine if :meth:`open` made it. The host is not used afterwards."""
