"""What a host must do. The docstrings are the contract; :class:`neutone.testing.HostContract` checks it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from neutone.engine.latency import Latency
from neutone.model.contract import Model
from neutone.plugins.plugin import Plugin

if TYPE_CHECKING:
    from neutone.engine.engine import Engine
    from neutone.errors import HostError


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


class Host(Plugin):
    """One way for audio to come and go: a callback, an audio server, a sound card."""

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
