"""An engine in its caller's thread: the model runs inside :meth:`neutone.Engine.process`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutone._core import Schedule, Stream
from neutone.model.contract import Session


class Calling:
    """Holds the stream in use and its session. The counterpart of :class:`neutone.engine.live.Live`."""

    slack = 0
    scheduling = "the caller's"

    def __init__(self) -> None:
        self._in_use: tuple[Stream, Session] | None = None

    def stream_options(self, schedule: Schedule) -> dict[str, Any]:
        """How a stream is made that is to be put here."""
        return {}

    def put(self, stream: Stream, session: Session, channels: int) -> Callable[..., NDArray[np.float32]]:
        """Take this stream from here on; returns what processes a block."""
        self._in_use = stream, session
        return stream.process

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """While another stream is put in place, no block is processed; at the end, the session before is closed.

        Raises:
            RuntimeError: the engine is processing, in another thread or around this call.
        """
        assert self._in_use is not None
        stream, session = self._in_use
        stream.claim()
        try:
            yield
        finally:
            stream.release()
        session.close()

    def reset(self, open_another: Callable[[], None]) -> None:
        """Nothing is made anew: the stream and its session are reset."""
        assert self._in_use is not None
        self._in_use[0].reset()

    def close(self) -> None:
        """Close the session. Raises RuntimeError while the engine is processing."""
        assert self._in_use is not None
        stream, session = self._in_use
        stream.claim()
        try:
            session.close()
        finally:
            stream.release()
