"""The pool of worker threads that all engines in the background share."""

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
"""The highest priority of the workers:
above every ordinary thread, below those of jackd (10 and 5) and PipeWire (88)."""


_lock = threading.Lock()
_pool: Pool | None = None
_priority = PRIORITY
_running: weakref.WeakSet[Live] = weakref.WeakSet()
_left_behind: list[object] = []


def shared_pool() -> Pool:
    """Return the pool. It is made with the first engine and kept until the interpreter ends."""
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
    """Close all engines before the interpreter ends: a thread that waits for the GIL then would never return."""
    for live in _all_running():
        live.close()
    bury_remains()


def _forget() -> None:
    """Forget the pool and all engines in the child of a fork, where their threads do not exist. Freeing what they used,
    or waiting for a lock that one of them held, could take forever."""
    global _pool, _lock
    _lock = threading.Lock()
    for live in list(_running):
        live.abandon()
        _left_behind.append(live)
    _left_behind.append(_pool)
    _running.clear()
    _pool = None


def choose_priority() -> None:
    """Choose the workers' priority: below every real-time audio thread that is known. If the worker could preempt an
    audio thread at the moment when that thread wakes it, the audio thread would be late.

    Ordinary audio threads do not count here: a worker that is as ordinary as they are would wait for every busy
    program."""
    global _priority
    known = [live.audio_priority for live in _all_running() if live.audio_priority]
    wanted = min([PRIORITY, *(max(priority - 1, 1) for priority in known)])
    pool = shared_pool()
    with _lock:
        if wanted != _priority:
            _priority = wanted
            pool.set_priority(wanted)


def describe_scheduling() -> str:
    """Return a sentence that says how the worker threads are scheduled."""
    pool = shared_pool()
    if pool.refusal == 0:
        return f"real-time (SCHED_FIFO, priority {_priority})"
    return (
        f"normal: real-time scheduling was refused ({os.strerror(pool.refusal)}), so other programs can make the model "
        f"late; the limit rtprio allows it, see docs/live.md"
    )


def register(live: Live) -> None:
    """Close this engine when the interpreter ends, and consider its audio thread when the priority is chosen."""
    with _lock:
        _running.add(live)


def unregister(live: Live) -> None:
    """Forget an engine that has been closed."""
    with _lock:
        _running.discard(live)
