"""The engine without a background thread: the model runs inside :meth:`neutone.Engine.process`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutone._core import Schedule, Stream
from neutone.model.contract import Session


class Calling:
    """Holds the current stream and its session. :class:`neutone.engine.live.Live` is its counterpart in the
    background."""

    slack = 0
    scheduling = "the caller's"

    def __init__(self) -> None:
        self._in_use: tuple[Stream, Session] | None = None

    def stream_options(self, schedule: Schedule) -> dict[str, Any]:
        """Return the extra arguments for creating a stream; none are needed here."""
        return {}

    def put(self, stream: Stream, session: Session, channels: int) -> Callable[..., NDArray[np.float32]]:
        """Use this stream from now on. Returns the function that processes a block."""
        self._in_use = stream, session
        return stream.process

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """Keep the engine from processing blocks while another stream is put in place, then close the previous session.

        Raises:
            RuntimeError: The engine is processing a block, in another thread or in the call that led here.
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
        """Reset the current stream and its session. Nothing is opened anew, so `open_another` is not called."""
        assert self._in_use is not None
        self._in_use[0].reset()

    def close(self) -> None:
        """Close the session. Raises :class:`RuntimeError` if the engine is processing a block."""
        assert self._in_use is not None
        stream, session = self._in_use
        stream.claim()
        try:
            session.close()
        finally:
            stream.release()
