"""Running a model beside the audio thread: the worker threads that all engines share, and streams that take turns."""

from __future__ import annotations

import atexit
import os
import threading
import time as clock
import warnings
import weakref
from dataclasses import dataclass

from neutone._core import LATE, Player, Pool, Schedule, Stream, bury_remains, is_worker_thread
from neutone.errors import ConfigurationError, HostError, PluginWarning
from neutone.model.contract import Session
from neutone.validation import require_integer

__all__ = ["Background", "BackgroundSettings", "describe_scheduling"]

MAX_SLACK = 1024
MAX_PRIORITY = 99
MAX_THREADS = 4
PRIORITY = 4
"""at most: above every ordinary thread, below those of jackd (10 and 5) and PipeWire (88)"""

BACKLOG_SECONDS = 0.5
BACKLOG_BLOCKS = 4
TAKEOVER_SECONDS = 0.25
POLL_SECONDS = 0.001
NOT_IN_A_MODEL = "a model that runs in the background may not reset, configure or close an engine"


@dataclass(frozen=True, slots=True)
class BackgroundSettings:
    """``slack`` in host blocks, and what is heard in place of late output."""

    slack: int
    late: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "slack", require_integer(self.slack, "slack", 0, MAX_SLACK, unit="host blocks"))
        if not isinstance(self.late, str) or self.late not in LATE:
            raise ConfigurationError(f"late is {self.late!r}, expected one of {', '.join(LATE)}")

    def backlog(self, schedule: Schedule) -> int:
        """Model frames that may wait for the model. A model that was late for a while computes them all, so that its
        state is what it would have been; beyond that they are lost."""
        return max(int(BACKLOG_SECONDS * schedule.model_rate), BACKLOG_BLOCKS * schedule.session_block)


_lock = threading.Lock()
_pool: Pool | None = None
_priority = PRIORITY
_running: weakref.WeakSet[Background] = weakref.WeakSet()
_left_behind: list[object] = []


def _shared_pool() -> Pool:
    """Made with the first engine, kept until the end."""
    global _pool
    with _lock:
        if _pool is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            _pool = Pool(max(1, min(MAX_THREADS, cores - 1)), _priority)
            atexit.register(_close_all)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_forget)
        return _pool


def _all_running() -> list[Background]:
    with _lock:
        return list(_running)


def _close_all() -> None:
    """Before the interpreter goes: a thread that waits for the GIL then would never come back."""
    for background in _all_running():
        background.close()
    bury_remains()


def _forget() -> None:
    """Threads do not survive a fork. To free what they used, or to wait for a lock that one of them held, could last
    for ever."""
    global _pool, _lock
    _lock = threading.Lock()
    for background in list(_running):
        background.abandon()
        _left_behind.append(background)
    _left_behind.append(_pool)
    _running.clear()
    _pool = None


def _choose_priority() -> None:
    """Below every audio thread in real time that is known: one that is put aside for the model, at the moment when it
    wakes the worker, is late itself. Ordinary audio threads are another matter: a worker as ordinary as they are would
    wait for every busy program."""
    global _priority
    known = [background.audio_priority for background in _all_running() if background.audio_priority]
    wanted = min([PRIORITY, *(max(priority - 1, 1) for priority in known)])
    pool = _shared_pool()
    with _lock:
        if wanted != _priority:
            _priority = wanted
            pool.set_priority(wanted)


def describe_scheduling() -> str:
    """How the worker threads are scheduled, in words."""
    pool = _shared_pool()
    if pool.refusal == 0:
        return f"real-time (SCHED_FIFO, priority {_priority})"
    return (
        f"normal: real-time scheduling was refused ({os.strerror(pool.refusal)}), so other programs can make the model "
        f"late; the limit rtprio allows it, see docs/live.md"
    )


class Background:
    """What an engine with ``background=True`` has more than others: a player, and the sessions of the streams that may
    still be in use."""

    def __init__(self) -> None:
        self.player = Player(_shared_pool())
        self.lock = threading.RLock()
        """held by whoever changes the stream"""
        self.audio_priority: int | None = None
        self.claimed = False
        """a host plays the engine"""
        self._sessions: dict[Stream, Session] = {}
        self._closed = False
        with _lock:
            _running.add(self)

    def set_audio_priority(self, priority: int | None) -> None:
        """Of the thread that processes; see :attr:`neutone.Engine.audio_priority`."""
        if priority is not None:
            priority = require_integer(priority, "audio_priority", 0, MAX_PRIORITY)
        self.audio_priority = priority
        _choose_priority()

    def offer(self, stream: Stream, session: Session, slack: int) -> None:
        """From the next block on the audio goes through this one. The player keeps the stream before until then."""
        self.player.offer(stream, slack)
        self._sessions[stream] = session

    def settle(self) -> None:
        """Close the sessions that were replaced. Where no audio comes that would take over, they stay until there is
        some, or until the end."""
        deadline = clock.monotonic() + TAKEOVER_SECONDS
        while True:
            for stream in self.player.collect():
                _close_session(self._sessions.pop(stream))
            if len(self._sessions) <= 1 or clock.monotonic() > deadline:
                return
            clock.sleep(POLL_SECONDS)

    def claim(self) -> None:
        """Raises :class:`~neutone.errors.HostError` where it is claimed."""
        with _lock:
            if self.claimed:
                raise HostError("the engine is played by another host already: stop that one first")
            self.claimed = True

    def abandon(self) -> None:
        """In the child of a fork: there are no threads any more, and nothing to wait for."""
        self.lock = threading.RLock()
        self._closed = True

    def check_thread(self) -> None:
        """Raises RuntimeError inside a model: a worker must not wait for the block that it is computing."""
        if is_worker_thread():
            raise RuntimeError(NOT_IN_A_MODEL)
        if self._closed:
            raise RuntimeError("the engine is closed")

    def close(self) -> None:
        """Silence from here on."""
        if is_worker_thread() and not self._closed:
            raise RuntimeError(NOT_IN_A_MODEL)
        with self.lock:
            if self._closed:
                return
            self._closed = True
            with _lock:
                _running.discard(self)
            for stream in self.player.close():
                _close_session(self._sessions.pop(stream))
        _choose_priority()


def _close_session(session: Session) -> None:
    """The stream before is gone whatever its session says to that."""
    try:
        session.close()
    except Exception as error:
        said = f"{type(session).__name__}.close raised {type(error).__name__}: {error}"
        warnings.warn(said, PluginWarning, stacklevel=3)
