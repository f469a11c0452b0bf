"""The worker threads that all engines in the background share."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING

from neutone._core import Pool, bury_remains

if TYPE_CHECKING:
    from neutone.engine.live import Live

MAX_THREADS = 4
PRIORITY = 4
"""at most: above every ordinary thread, below those of jackd (10 and 5) and PipeWire (88)"""


_lock = threading.Lock()
_pool: Pool | None = None
_priority = PRIORITY
_running: weakref.WeakSet[Live] = weakref.WeakSet()
_left_behind: list[object] = []


def shared_pool() -> Pool:
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


def _all_running() -> list[Live]:
    with _lock:
        return list(_running)


def _close_all() -> None:
    """Before the interpreter goes: a thread that waits for the GIL then would never come back."""
    for live in _all_running():
        live.close()
    bury_remains()


def _forget() -> None:
    """Threads do not survive a fork. To free what they used, or to wait for a lock that one of them held, could last
    for ever."""
    global _pool, _lock
    _lock = threading.Lock()
    for live in list(_running):
        live.abandon()
        _left_behind.append(live)
    _left_behind.append(_pool)
    _running.clear()
    _pool = None


def choose_priority() -> None:
    """Below every audio thread in real time that is known: one that is put aside for the model, at the moment when it
    wakes the worker, is late itself. Ordinary audio threads are another matter: a worker as ordinary as they are would
    wait for every busy program."""
    global _priority
    known = [live.audio_priority for live in _all_running() if live.audio_priority]
    wanted = min([PRIORITY, *(max(priority - 1, 1) for priority in known)])
    pool = shared_pool()
    with _lock:
        if wanted != _priority:
            _priority = wanted
            pool.set_priority(wanted)


def describe_scheduling() -> str:
    """How the worker threads are scheduled, in words."""
    pool = shared_pool()
    if pool.refusal == 0:
        return f"real-time (SCHED_FIFO, priority {_priority})"
    return (
        f"normal: real-time scheduling was refused ({os.strerror(pool.refusal)}), so other programs can make the model "
        f"late; the limit rtprio allows it, see docs/live.md"
    )


def register(live: Live) -> None:
    """Close it at the end of the interpreter, and count its audio thread when the priority is chosen."""
    with _lock:
        _running.add(live)


def unregister(live: Live) -> None:
    """It has been closed."""
    with _lock:
        _running.discard(live)
