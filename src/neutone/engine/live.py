"""An engine in the background: the model runs in worker threads, beside the audio thread."""

from __future__ import annotations

import contextlib
import threading
import time as clock
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neutone._core import Player, Schedule, Stream, is_worker_thread
from neutone.engine import workers
from neutone.engine.settings import BackgroundSettings
from neutone.engine.stats import Durations, LiveStats
from neutone.errors import ConfigurationError, HostError, InferenceError, PluginWarning
from neutone.model.contract import Session
from neutone.validation import require_integer

if TYPE_CHECKING:
    from neutone.engine.engine import Engine

MAX_PRIORITY = 99
TAKEOVER_SECONDS = 0.25
POLL_SECONDS = 0.001
NOT_IN_A_MODEL = "a model that runs in the background may not reset, configure or close an engine"

Process = Callable[..., NDArray[np.float32]]

_claiming = threading.Lock()


class Live:
    """What an engine with ``background=True`` offers to hosts, and to those who watch it: :attr:`neutone.Engine.live`.

    >>> import neutone
    >>> with neutone.Engine(neutone.load(neutone.default_model()), background=True) as engine:
    ...     engine.live.stats.blocks, engine.live.error
    (0, None)
    """

    def __init__(self, settings: BackgroundSettings) -> None:
        self._settings = settings
        self._player = Player(workers.shared_pool())
        self._changing = threading.RLock()
        """held by whoever changes the stream"""
        self._sessions: dict[Stream, Session] = {}
        self._stream: Stream | None = None
        self._channels = 0
        self._audio_priority: int | None = None
        self._claimed = False
        self._closed = False
        workers.register(self)

    @staticmethod
    def of(engine: Engine) -> Live:
        """``engine.live``. Raises :class:`~neutone.errors.ConfigurationError` if it is None."""
        if engine.live is None:
            raise ConfigurationError("the engine runs in its caller's thread, expected one with background=True")
        return engine.live

    # -- for hosts -----------------------------------------------------------------------------------------------------

    @property
    def callback(self) -> object:
        """What a host in C calls: a PyCapsule named ``neutone.callback`` around the struct ``nt_callback`` of
        ``neutone/nt_callback.h``, valid as long as the capsule. Its functions allocate nothing, take no lock and make
        no system call but a semaphore post."""
        return self._player.callback

    def claim(self) -> None:
        """Mark the engine as played by a host, which has started. Until :meth:`release`, its number of channels stays.

        Raises:
            neutone.errors.HostError: another host plays it.
        """
        with _claiming:
            if self._claimed:
                raise HostError("the engine is played by another host already: stop that one first")
            self._claimed = True

    def release(self) -> None:
        """The host has stopped."""
        self._claimed = False

    @property
    def claimed(self) -> bool:
        """Whether a host plays the engine."""
        return self._claimed

    @property
    def blocking(self) -> bool:
        """Whether :meth:`neutone.Engine.process` and the callback wait for the model, for hosts that are not in real
        time."""
        return self._player.blocking

    @blocking.setter
    def blocking(self, wanted: bool) -> None:
        self._player.blocking = wanted

    @property
    def audio_priority(self) -> int | None:
        """The SCHED_FIFO priority of the thread that processes audio, 0 for an ordinary one; None: not known. Hosts set
        it. The workers of all engines have priority 4, or less if that is not below the priority of every audio
        thread."""
        return self._audio_priority

    @audio_priority.setter
    def audio_priority(self, priority: int | None) -> None:
        if priority is not None:
            priority = require_integer(priority, "audio_priority", 0, MAX_PRIORITY)
        self._audio_priority = priority
        workers.choose_priority()

    # -- for those who watch -------------------------------------------------------------------------------------------

    @property
    def stats(self) -> LiveStats:
        """What was counted since the engine was made, resets and reconfigurations included."""
        player = self._player
        return LiveStats(
            **player.stats,
            callback_times=Durations.from_nanoseconds(*player.callback_times),
            model_times=Durations.from_nanoseconds(*player.model_times),
            model_in_callback=self._settings.slack == 0,
        )

    @property
    def error(self) -> InferenceError | None:
        """The last failure of the model since the last reset, whose block became silence; None if there was none."""
        return None if self._stream is None else self._stream.failure

    def take_peaks(self) -> tuple[list[float], list[float]]:
        """The largest magnitudes of the input's and output's channels (up to 64) since the last call, 1.0 for full
        scale."""
        return self._player.take_peaks(self._channels)

    # -- for the engine ------------------------------------------------------------------------------------------------

    @property
    def slack(self) -> int:
        """Host blocks between a block and what the model makes of it."""
        return self._settings.slack

    def stream_options(self, schedule: Schedule) -> dict[str, Any]:
        """How a stream is made that is to be put here."""
        return {
            "backlog": self._settings.backlog(schedule),
            "late": self._settings.late,
            "fades_in": bool(self._sessions),
        }

    def put(self, stream: Stream, session: Session, channels: int) -> Process:
        """From the next block on the audio goes through this stream; returns what processes a block. The player keeps
        the stream before until then.

        Raises:
            neutone.errors.ConfigurationError: the session cannot run in the callback, but there is no slack.
        """
        if self._settings.slack == 0 and session.native is None:
            raise ConfigurationError(
                f"slack is 0, but {type(session).__name__} cannot run in a real-time callback: it has no native "
                f"function; expected slack of 1 or more"
            )
        self._player.offer(stream, self._settings.slack)
        self._sessions[stream] = session
        self._stream, self._channels = stream, channels
        return self._player.process

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """While another stream is put in place, nobody else does that; at the end, sessions that were replaced are
        closed. If no audio comes that would take over, they stay until there is some, or until the end.

        Raises:
            RuntimeError: inside a model, whose block the worker would wait for, or after :meth:`close`.
        """
        if is_worker_thread():
            raise RuntimeError(NOT_IN_A_MODEL)
        if self._closed:
            raise RuntimeError("the engine is closed")
        with self._changing:
            yield
            deadline = clock.monotonic() + TAKEOVER_SECONDS
            while True:
                for stream in self._player.collect():
                    _close_session(self._sessions.pop(stream))
                if len(self._sessions) <= 1 or clock.monotonic() > deadline:
                    return
                clock.sleep(POLL_SECONDS)

    def reset(self, open_another: Callable[[], None]) -> None:
        """A stream that is in use cannot be reset, so another one takes over."""
        with self.replacing():
            open_another()

    @property
    def scheduling(self) -> str:
        """How the worker threads are scheduled, in words."""
        return workers.describe_scheduling()

    def close(self) -> None:
        """Silence from here on."""
        if is_worker_thread() and not self._closed:
            raise RuntimeError(NOT_IN_A_MODEL)
        with self._changing:
            if self._closed:
                return
            self._closed = True
            workers.unregister(self)
            for stream in self._player.close():
                _close_session(self._sessions.pop(stream))
        workers.choose_priority()

    def abandon(self) -> None:
        """In the child of a fork: there are no threads any more, and nothing to wait for."""
        self._changing = threading.RLock()
        self._closed = True


def _close_session(session: Session) -> None:
    """The stream before is gone whatever its session says to that."""
    try:
        session.close()
    except Exception as error:
        said = f"{type(session).__name__}.close raised {type(error).__name__}: {error}"
        warnings.warn(said, PluginWarning, stacklevel=3)


class OfLive:
    """A name of :class:`neutone.Engine` that stands for one of :class:`Live`: ``engine.callback`` is
    ``engine.live.callback``. New code uses the latter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.__doc__ = f"The same as ``engine.live.{name}``."

    def __get__(self, engine: Any, owner: type) -> Any:
        return self if engine is None else getattr(Live.of(engine), self._name)

    def __set__(self, engine: Any, value: Any) -> None:
        setattr(Live.of(engine), self._name, value)
