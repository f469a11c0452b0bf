"""A callback in the form that python-sounddevice calls, and a generator for audio that is already there."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neutone import Engine, Latency
from neutone.errors import InferenceError, NeutoneError, ShapeError
from neutone.plugins import Host, HostStats

Array = NDArray[np.float32]


class CallbackHost(Host):
    """Processes interleaved float32 blocks of shape (frames, channels) with an engine. It runs in the Python
    interpreter, which is fine for large blocks, but other Python threads can make it late.

    If the library's block sizes vary, make the engine with ``fixed_blocks=False``. Then blocks that are longer than the
    engine's block size are processed in pieces.

    With python-sounddevice::

        with CallbackHost(engine) as host, sounddevice.Stream(
            engine.sample_rate, engine.block_size, channels=engine.channels, dtype="float32", callback=host
        ):
            sounddevice.sleep(10_000)

    >>> import neutone
    >>> model = neutone.load(neutone.default_model())
    >>> engine = neutone.Engine(model, sample_rate=48_000, block_size=64, channels=2)
    >>> outdata = np.empty((64, 2), np.float32)
    >>> with CallbackHost(engine) as host:
    ...     host(np.zeros((64, 2), np.float32), outdata, 64, None, None)
    >>> host.stats.blocks
    1
    """

    name: ClassVar[str] = "callback"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running = False
        self._in = np.zeros((engine.channels, engine.block_size), np.float32)
        self._out = np.zeros((engine.channels, engine.block_size), np.float32)
        self._blocks = 0
        self._xruns = 0
        self._frames = 0
        self._seconds = 0.0
        self._error: NeutoneError | None = None

    @property
    def engine(self) -> Engine:
        """The engine that the host plays."""
        return self._engine

    @property
    def error(self) -> NeutoneError | None:
        """The last failure since the start, or None; the block that failed became silence."""
        return self._error

    def start(self) -> None:
        """Let audio reach the engine. Before it, and after :meth:`stop`, the callback gives silence."""
        if self._running:
            raise RuntimeError("the callback host is running already")
        self._engine.reset()
        self._blocks = self._xruns = self._frames = 0
        self._seconds = 0.0
        self._error = None
        self._running = True

    def stop(self) -> None:
        self._running = False

    @property
    def stats(self) -> HostStats:
        audio_seconds = self._frames / self._engine.sample_rate
        return HostStats(
            blocks=self._blocks,
            xruns=self._xruns,
            load=self._seconds / audio_seconds if audio_seconds else 0.0,
            late_frames=self._engine.stats.starved_frames,
        )

    @property
    def latency(self) -> Latency:
        return self._engine.latency

    def __call__(self, indata: Array, outdata: Array, frames: int, time: Any, status: Any) -> None:
        """Process one block. ``indata`` and ``outdata`` are float32 of shape (frames, channels); ``time`` is not used;
        a true ``status`` counts as an xrun.

        It never raises: a block that fails becomes silence and is counted, and the failure is kept in :attr:`error`."""
        if not self._running:
            outdata.fill(0.0)
            return
        begun = clock.perf_counter()
        if status:
            self._xruns += 1
        try:
            self._process(indata, outdata, frames)
        except Exception as error:  # it would end the audio library's stream
            outdata.fill(0.0)
            self._xruns += 1
            self._error = (
                error if isinstance(error, NeutoneError) else InferenceError(f"{type(error).__name__}: {error}")
            )
        self._blocks += 1
        self._frames += frames
        self._seconds += clock.perf_counter() - begun

    def _process(self, indata: Array, outdata: Array, frames: int) -> None:
        expected = (frames, self._engine.channels)
        for name, array in (("indata", indata), ("outdata", outdata)):
            if array.dtype != np.float32 or array.shape != expected:
                raise ShapeError(
                    f"{name} is {array.dtype} {array.shape}, expected float32 {expected}: (frames, channels)"
                )
        size = self._engine.block_size
        for start in range(0, frames, size):
            count = min(size, frames - start)
            # The engine needs planar channels in adjacent memory.
            source, target = self._in[:, :count], self._out[:, :count]
            source[...] = indata[start : start + count].T
            self._engine.process(source, target)
            outdata[start : start + count] = target.T

    def process_stream(self, blocks: Iterable[Array]) -> Iterator[Array]:
        """Process blocks from an iterable. Takes and yields float32 blocks of shape (frames, channels)."""
        for indata in blocks:
            outdata = np.empty_like(indata)
            self(indata, outdata, len(indata), None, None)
            yield outdata
