"""An engine in the background: the model runs in worker threads beside the audio thread."""

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
    """What an engine with ``background=True`` offers to hosts and monitors, as :attr:`neutone.Engine.live`.

    >>> import neutone
    >>> with neutone.Engine(neutone.load(neutone.default_model()), background=True) as engine:
    ...     engine.live.stats.blocks, engine.live.error
    (0, None)
    """

    def __init__(self, settings: BackgroundSettings) -> None:
        self._settings = settings
        self._player = Player(workers.shared_pool())
        self._changing = threading.RLock()
        """Held by the thread that changes the stream."""
        self._sessions: dict[Stream, Session] = {}
        self._stream: Stream | None = None
        self._channels = 0
        self._audio_priority: int | None = None
        self._claimed = False
        self._closed = False
        workers.register(self)

    @staticmethod
    def of(engine: Engine) -> Live:
        """Return ``engine.live``. Raises :class:`~neutone.errors.ConfigurationError` if it is None."""
        if engine.live is None:
            raise ConfigurationError("the engine runs in its caller's thread, expected one with background=True")
        return engine.live

    # -- for hosts -----------------------------------------------------------------------------------------------------

    @property
    def callback(self) -> object:
        """A callback for hosts written in C: a PyCapsule named ``neutone.callback`` around the struct ``nt_callback``
        from ``neutone/nt_callback.h``. The struct is valid as long as the capsule lives. Its functions allocate
        nothing, take no lock, and make no system call other than posting a semaphore."""
        return self._player.callback

    def claim(self) -> None:
        """Mark the engine as played by a host that has started. Until :meth:`release`, the channel count cannot change.

        Raises:
            neutone.errors.HostError: Another host plays the engine.
        """
        with _claiming:
            if self._closed:
                raise RuntimeError("the engine is closed")
            if self._claimed:
                raise HostError("the engine is played by another host already: stop that one first")
            self._claimed = True

    def release(self) -> None:
        """Mark the engine as free again, after the host that claimed it has stopped."""
        self._claimed = False

    @property
    def claimed(self) -> bool:
        """Whether a host plays the engine now."""
        return self._claimed

    @property
    def blocking(self) -> bool:
        """Whether :meth:`neutone.Engine.process` and the callback wait for the model.
        Hosts set it when they do not run in real time."""
        return self._player.blocking

    @blocking.setter
    def blocking(self, wanted: bool) -> None:
        if wanted and self._closed:
            raise RuntimeError("the engine is closed")
        self._player.blocking = wanted

    @property
    def audio_priority(self) -> int | None:
        """The SCHED_FIFO priority of the thread that processes audio: 0 for an ordinary thread, None if it is not
        known.

        Hosts set it. The worker threads, which all engines share, have priority 4, or less so that they stay below
        every audio thread."""
        return self._audio_priority

    @audio_priority.setter
    def audio_priority(self, priority: int | None) -> None:
        if priority is not None:
            priority = require_integer(priority, "audio_priority", 0, MAX_PRIORITY)
        self._audio_priority = priority
        workers.choose_priority()

    # -- for monitors --------------------------------------------------------------------------------------------------

    @property
    def stats(self) -> LiveStats:
        """The counters since the engine was made. Resets and reconfigurations do not clear them."""
        player = self._player
        return LiveStats(
            **player.stats,
            callback_times=Durations.from_nanoseconds(*player.callback_times),
            model_times=Durations.from_nanoseconds(*player.model_times),
            model_in_callback=self._settings.slack == 0,
        )

    @property
    def error(self) -> InferenceError | None:
        """The last failure of the model since the last reset, or None; the block that failed became silence."""
        return None if self._stream is None else self._stream.failure

    def take_peaks(self) -> tuple[list[float], list[float]]:
        """Return the peak magnitude of each input channel and each output channel (up to 64 each) since the last call.
        Full scale is 1.0."""
        return self._player.take_peaks(self._channels)

    # -- for the engine ------------------------------------------------------------------------------------------------

    @property
    def slack(self) -> int:
        """The number of host blocks that the model has to compute its output."""
        return self._settings.slack

    def stream_options(self, schedule: Schedule) -> dict[str, Any]:
        """Return the extra arguments for creating a stream that runs in the background."""
        return {
            "backlog": self._settings.backlog(schedule),
            "late": self._settings.late,
            "fades_in": bool(self._sessions),
        }

    def put(self, stream: Stream, session: Session, channels: int) -> Process:
        """Switch to this stream at the next block. Returns the function that processes a block. The player keeps the
        previous stream until it has switched.

        Raises:
            neutone.errors.ConfigurationError: ``slack`` is 0, but the session cannot run in the callback.
        """
        if self._settings.slack == 0 and session.native is None:
            raise ConfigurationError(
                f"slack is 0, but {type(session).__name__} cannot run in a real-time callback: it has no native "
                f"function; expected a slack of 1 or more"
            )
        self._player.offer(stream, self._settings.slack)
        self._sessions[stream] = session
        self._stream, self._channels = stream, channels
        return self._player.process

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """Keep other threads from replacing the stream during the ``with`` block. At its end, close the sessions that
        were replaced.

        A session can be closed only after the audio thread has switched to the next stream. If no audio flows, sessions
        stay open until it does, or until the engine is closed.

        Raises:
            RuntimeError: The call comes from inside a model, and the worker would wait for its own block; or the engine
                is closed.
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
        """Open another stream and switch to it: a stream that is in use cannot be reset."""
        with self.replacing():
            open_another()

    @property
    def scheduling(self) -> str:
        """A sentence that says how the worker threads are scheduled."""
        return workers.describe_scheduling()

    def close(self) -> None:
        """Close the sessions. The callback gives silence from now on."""
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
        """Give up all threads without waiting for them: in the child of a fork they no longer exist."""
        self._changing = threading.RLock()
        self._player.blocking = False
        self._closed = True


def _close_session(session: Session) -> None:
    """Close a session that has been replaced. If its ``close`` raises, warn: there is nobody to catch the error."""
    try:
        session.close()
    except Exception as error:
        said = f"{type(session).__name__}.close raised {type(error).__name__}: {error}"
        warnings.warn(said, PluginWarning, stacklevel=3)


class OfLive:
    """A property of :class:`neutone.Engine` that forwards to :class:`Live`: ``engine.callback`` is
    ``engine.live.callback``. New code should use the latter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.__doc__ = f"The same as ``engine.live.{name}``."

    def __get__(self, engine: Any, owner: type) -> Any:
        if engine is None:
            return self
        if callable(getattr(Live, self._name)):  # a method raises when it is called, not when it is looked up
            return lambda: getattr(Live.of(engine), self._name)()
        return getattr(Live.of(engine), self._name)

    def __set__(self, engine: Any, value: Any) -> None:
        setattr(Live.of(engine), self._name, value)
