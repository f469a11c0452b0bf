"""Offline rendering of a whole signal: rate and length stay the same, and the delay is compensated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from neutone.engine.engine import Engine
from neutone.errors import AudioTypeError, ShapeError
from neutone.limits import MAX_CHANNELS
from neutone.model.contract import Model
from neutone.rendering.options import RenderOptions, open_engine

Array = NDArray[np.float32]
Progress = Callable[[float], object]
"""A function that is called with the fraction of the work that is done, 0..1."""


def render_blocks(engine: Engine, blocks: Iterable[tuple[Array, Array | None]]) -> Iterator[Array]:
    """Render (audio, curves) pairs one after another. Yields as many frames as it was given, without the engine's
    latency.

    Each pair has the engine's block size; only the last may be shorter. Memory does not grow with the length."""
    late, owed = engine.latency.total, 0
    for audio, curves, frames in _with_tail(engine, blocks):
        owed += frames
        if owed == 0:
            return
        out = engine.process(audio, params=curves)
        dropped = min(late, out.shape[1])
        late -= dropped
        out = out[:, dropped : dropped + owed]
        owed -= out.shape[1]
        yield out


def _with_tail(
    engine: Engine, blocks: Iterable[tuple[Array, Array | None]]
) -> Iterator[tuple[Array, Array | None, int]]:
    """Yield whole blocks, each with the number of its frames that are the caller's: the last block is filled up, and
    then silence follows forever, with the parameters at their last values."""
    size = engine.block_size
    curves: Array | None = None
    for audio, curves in blocks:
        frames = audio.shape[1]
        if frames < size:
            audio = np.pad(audio, ((0, 0), (0, size - frames)))
            curves = None if curves is None else np.pad(curves, ((0, 0), (0, size - frames)), mode="edge")
        yield audio, curves, frames
    silence = np.zeros((engine.channels, size), np.float32)
    held = None if curves is None else np.repeat(curves[:, -1:], size, axis=1)
    while True:
        yield silence, held, 0


def render(
    model: Model,
    audio: Array,
    sample_rate: int,
    *,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Array:
    """Run a model over a whole signal. The delay of the model and the engine is compensated.

    Args:
        model: The model to run, as :func:`neutone.load` returns it.
        audio: The signal, float32 of shape (channels, frames), or (frames,) for one channel.
        sample_rate: The signal's sample rate in Hz.
        progress: A function that is called with the fraction that is done, 0..1.
        params: A mapping from names to natural values, or a float32 array of shape (P, frames) in 0..1 with a curve for
            each of the P declared parameters.
        block_size: The number of frames per step. The result does not depend on it, except for rounding in the model.
        resampler, taps: As in :class:`neutone.Engine`.
        wet, dry: The levels in the mix, 0..1. By default the model's own.
        input_gain_db, output_gain_db: The gains before the model and after the mix, -30..30 dB. By default the model's
        own.

    Returns:
        The result, float32 in the shape of ``audio``. Its frame i belongs to frame i of ``audio``.

    Raises:
        neutone.errors.AudioTypeError: ``audio`` is not an array of float32, or ``params`` neither one nor a mapping.
        neutone.errors.ShapeError: The shape of one of them is wrong.
        neutone.errors.ParameterError: A value is out of its range. Curves must stay within 0..1 and hold no NaN.
        neutone.errors.UnknownParameterError: ``params`` names a parameter that the model does not declare.
        neutone.errors.ConfigurationError: A rate, block size, resampler or level is not valid.
        neutone.errors.InferenceError: The model raised an exception.

    >>> import neutone
    >>> model = neutone.load(neutone.default_model())
    >>> neutone.render(model, np.zeros((2, 1000), np.float32), 44_100, params={"drive": 0.9}).shape
    (2, 1000)
    """
    if not isinstance(audio, np.ndarray):
        raise AudioTypeError(f"audio is a {type(audio).__name__}, expected a numpy array of float32 (channels, frames)")
    if audio.dtype != np.float32:
        raise AudioTypeError(f"audio is {audio.dtype}, expected float32 (channels, frames)")
    if audio.ndim not in (1, 2) or audio.shape[0] == 0:
        raise ShapeError(f"audio has shape {audio.shape}, expected (channels, frames) or (frames,)")
    planar = audio[np.newaxis] if audio.ndim == 1 else audio
    if planar.shape[0] > MAX_CHANNELS:
        raise ShapeError(f"audio has shape {audio.shape}, expected (channels, frames): is it transposed?")
    channels, frames = planar.shape
    engine, curves = open_engine(model, sample_rate, channels, frames, options)
    with engine:
        out = np.empty_like(planar, order="C")
        done = 0
        for block in render_blocks(engine, _cut(planar, curves, engine.block_size)):
            out[:, done : done + block.shape[1]] = block
            done += block.shape[1]
            if progress is not None:
                progress(done / frames)
    return out[0] if audio.ndim == 1 else out


def _cut(audio: Array, curves: Array | None, size: int) -> Iterator[tuple[Array, Array | None]]:
    for start in range(0, audio.shape[1], size):
        stop = start + size
        yield audio[:, start:stop], None if curves is None else curves[:, start:stop]
