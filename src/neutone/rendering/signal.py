"""Offline rendering of a whole signal: rate and length stay the same, and the delay is compensated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from neutone.engine.engine import Engine
from neutone.model.contract import Model
from neutone.rendering.conversion import CallerArray
from neutone.rendering.curves import Curves
from neutone.rendering.losses import Losses
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
    audio: Any,
    sample_rate: float,
    *,
    layout: str | None = None,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Any:
    """Run a model over a whole signal. The delay of the model and the engine is compensated.

    Args:
        model: The model to run, as :func:`neutone.load` returns it.
        audio: The signal, of shape (channels, frames), or (frames,) for one channel: an array or a torch tensor of
            floats or of 8, 16 or 32-bit integers, or a list of floats. The model receives float32; integers are divided
            by their type's full scale.
        sample_rate: The signal's sample rate in Hz, a whole number.
        layout: ``"frames-first"`` if the shape is (frames, channels). It is never guessed, but a shape that looks so is
            refused. ``"channels-first"`` also accepts such a shape.
        progress: A function that is called with the fraction that is done, 0..1.
        params: A mapping from names to natural values or to curves. A curve is an array with one value a frame, or
            breakpoints ``[(seconds, value), ...]``: the value moves in a straight line from one to the next, and holds
            before the first and after the last. ``params`` may also be an array of shape (P, frames) in 0..1, which is
            not in natural units, with a row for each of the P declared parameters.
        channels: What a model with fewer channels than the signal does. ``"mix"``: it gets their mean, and its output
            goes to all of them. ``"dual"``: each channel has a session of its own, so that stereo stays stereo.
        block_size: The number of frames per step. The result does not depend on it, except for rounding in the model.
        resampler, taps: As in :class:`neutone.Engine`.
        wet, dry: The levels in the mix, 0..1. By default the model's own.
        input_gain_db, output_gain_db: The gains before the model and after the mix, -30..30 dB. By default the model's
        own.

    Returns:
        The result, in the shape and dtype of ``audio``: a torch tensor on the same device if that is one, otherwise a
        numpy array. Its frame i belongs to frame i of ``audio``.

    Raises:
        neutone.errors.AudioTypeError: ``audio`` does not hold floats or integers of a known full scale, or ``params``
            is neither an array nor a mapping.
        neutone.errors.ShapeError: The shape of one of them is wrong.
        neutone.errors.ParameterError: A value is out of its range or NaN, or breakpoints are not in order.
        neutone.errors.UnknownParameterError: ``params`` names a parameter that the model does not declare.
        neutone.errors.ConfigurationError: A rate, block size, resampler, level or layout is not valid.
        neutone.errors.InferenceError: The model raised an exception.

    Warns:
        neutone.errors.NonFiniteAudioWarning: Samples were NaN or infinite and became silence.
        neutone.errors.CancelledAudioWarning: The channels cancel each other when they are mixed.
        neutone.errors.ClippedAudioWarning: ``audio`` has integers, and the result exceeds their full scale.

    >>> import neutone
    >>> model = neutone.load(neutone.default_model())
    >>> neutone.render(model, np.zeros((2, 1000), np.float32), 44_100, params={"drive": 0.9}).shape
    (2, 1000)
    >>> stereo = np.zeros((1000, 2), np.int16)
    >>> sweep = [(0.0, 0.0), (0.02, 1.0)]
    >>> out = neutone.render(model, stereo, 44_100, layout="frames-first", params={"drive": sweep}, channels="dual")
    >>> out.shape, out.dtype
    ((1000, 2), dtype('int16'))
    """
    signal = CallerArray(audio, layout)
    planar = signal.audio
    channels, frames = planar.shape
    engine, curves = open_engine(model, sample_rate, channels, frames, options)
    with engine:
        losses = Losses(engine, clips=signal.integer)
        out = np.empty_like(planar, order="C")
        done = 0
        for block in render_blocks(engine, _cut(planar, curves, losses, engine.block_size)):
            out[:, done : done + block.shape[1]] = block
            done += block.shape[1]
            if progress is not None:
                progress(done / frames)
        losses.write(out)
        losses.warn("audio", "the result", "float32 audio")
    return signal.restore(out)


def _cut(audio: Array, curves: Curves | None, losses: Losses, size: int) -> Iterator[tuple[Array, Array | None]]:
    for start in range(0, audio.shape[1], size):
        block = audio[:, start : start + size]
        losses.hear(block)
        yield block, None if curves is None else curves.cut(start, block.shape[1])
