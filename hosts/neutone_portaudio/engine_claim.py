"""One host at a time plays an engine, with as many channels as the host has opened."""

from __future__ import annotations

import threading
from typing import Any

from neutone import Engine
from neutone.errors import HostError

__all__ = ["claim_engine", "release_engine"]

_lock = threading.Lock()


def claim_engine(engine: Engine) -> None:
    """Raises :class:`~neutone.errors.HostError` where another host plays it."""
    marked: Any = engine
    with _lock:
        if getattr(marked, "fixed_channels", False):
            raise HostError("the engine is played by another host already: stop that one first")
        marked.fixed_channels = True


def release_engine(engine: Engine) -> None:
    """The host has stopped."""
    marked: Any = engine
    marked.fixed_channels = False
