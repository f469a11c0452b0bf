"""The interface of a host. The docstrings are the contract; :class:`neutone.testing.HostContract` tests it."""

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
    """The counters of a host.

    Attributes:
        blocks: Host blocks processed.
        xruns: Xruns: blocks that the audio system reported as lost, or that failed.
        load: Compute time divided by audio time, over everything processed so far.
        late_frames: Late frames: host frames that were replaced because they were not ready in time.
    """

    blocks: int = 0
    xruns: int = 0
    load: float = 0.0
    late_frames: int = 0


class Host(Plugin):
    """A way for audio to come in and go out: a callback, an audio server or a sound card.

    Attributes:
        name, requires, extra: As in :class:`Plugin`.
    """

    @abstractmethod
    def start(self) -> None:
        """Start processing. Raises :class:`RuntimeError` if the host has been started already."""

    @abstractmethod
    def stop(self) -> None:
        """Stop processing. Does nothing if the host is not running."""

    @property
    @abstractmethod
    def stats(self) -> HostStats:
        """The current counters. They may be read at any time and from any thread."""

    @property
    @abstractmethod
    def latency(self) -> Latency:
        """The latency from the host's input to its output, without the audio system's own buffers."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class LiveHost(Host):
    """A host that gets its audio from a server or device and plays an engine in the background. ``neutone live`` can
    run it.

    It may also have an attribute ``client_name``, and for MIDI ``cc_map``, ``learn(name)`` and ``learning``."""

    @classmethod
    @abstractmethod
    def open(
        cls, model: Model, *, channels: int | None = None, slack: int = 1, late: str = "silence", **options: Any
    ) -> Self:
        """Make a host that is ready to start, with an engine of its own that fits the server or device.

        ``channels`` (in and out) defaults to the model's input or output channels, whichever are more. ``options`` are
        the keywords of the host's own signature. Raises :class:`~neutone.errors.HostError` if there is no server or
        device, and :class:`~neutone.errors.MissingExtraError` if the host's library is not installed."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine that the host plays."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the host runs: it was started, has not been stopped, and has not lost its server or device."""

    @property
    @abstractmethod
    def error(self) -> HostError | None:
        """The reason why the server or device went away, or None if it did not."""

    @abstractmethod
    def close(self) -> None:
        """Stop the host, and close its engine if :meth:`open` made it. The host cannot be used afterwards."""
