"""What resampling must preserve: the position of an impulse, and the level of a sine."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.engine_life import BLOCKS, HOST_RATES
from fuzz.engine_models import Faults, ProbeModel
from fuzz.engine_oracle import WrongAnswerError
from neutone import Engine

__all__ = ["check_resampled"]

Array = NDArray[np.float32]

MOST_FRAMES = 30_000
CYCLE = 50
"""The length of a cycle in frames at the lower of the two rates: even linear interpolation keeps its level."""
LEVEL_ERROR = 0.06
"""The error of the shortest sinc, whose pass band is not flat."""


def check_resampled(number: int) -> None:
    """Make two new engines of one kind, and check one with an impulse and one with a sine."""
    rng = random.Random(number)
    rate = rng.choice(HOST_RATES) if rng.random() < 0.6 else rng.randint(8_000, 384_000)
    model = ProbeModel(rng, rate)
    model.faults = Faults()
    model.has_gain = False
    block, channels = rng.choice(BLOCKS), rng.choice([1, 2])
    settings: dict[str, Any] = {
        "resampler": rng.choice(["sinc", "hermite", "linear"]),
        "taps": rng.choice([8, 16, 32, 128]),
        "fixed_blocks": rng.random() < 0.7,
        "background": rng.random() < 0.2,
    }
    for check in (_check_impulse, _check_sine):
        with Engine(model, rate, block, channels, **settings) as engine:
            if settings["background"]:
                engine.blocking = True
            check(engine, random.Random(number))
    if model.complaints:
        raise WrongAnswerError(model.complaints[0])


def _play(engine: Engine, rng: random.Random, audio: Array) -> Array:
    """Play the signal in blocks. What does not fill a whole block at the end is dropped."""
    out, start = [], 0
    while start + engine.block_size <= audio.shape[1]:
        size = engine.block_size if engine.fixed_blocks else rng.randint(0, engine.block_size)
        out.append(engine.process(np.ascontiguousarray(audio[:, start : start + size])))
        start += size
    stats = engine.stats
    if (stats.starved_frames, stats.lost_frames, stats.nonfinite_output) != (0, 0, 0):
        raise WrongAnswerError("stats of an engine that nothing disturbed", f"{stats}")
    return np.concatenate(out, 1)


def _tolerance(engine: Engine) -> int:
    """Return the frames of tolerance: the rounding of the model's delay, and one frame for a peak between two
    frames."""
    return 1 + (engine.latency.model > 0)


def _check_impulse(engine: Engine, rng: random.Random) -> None:
    total = engine.latency.total
    ratio = max(1, -(-engine.sample_rate // engine.model_sample_rate))
    frames = total + 64 * ratio + 2 * engine.block_size
    if frames > MOST_FRAMES:
        return
    audio = np.zeros((engine.channels, frames), np.float32)
    audio[:, 0] = 1.0
    out = _play(engine, rng, audio)
    place = int(np.argmax(np.abs(out[0])))
    if abs(place - total) > _tolerance(engine):
        raise WrongAnswerError(
            "the impulse does not come out at latency.total", f"{place}, {engine.latency}, {engine!r}"
        )


def _check_sine(engine: Engine, rng: random.Random) -> None:
    lower = min(engine.sample_rate, engine.model_sample_rate)
    total = engine.latency.total
    cycle = CYCLE * engine.sample_rate / lower
    settled = total + round(4 * cycle) + 64 * -(-engine.sample_rate // lower)
    frames = settled + round(20 * cycle) + 2 * engine.block_size
    if frames > MOST_FRAMES:
        return
    phase = 2 * np.pi / cycle
    audio = np.tile(np.sin(phase * np.arange(frames)).astype(np.float32), (engine.channels, 1))
    out = _play(engine, rng, audio)
    late = np.arange(settled, out.shape[1]) - total
    expected = np.sin(phase * late)
    allowed = LEVEL_ERROR + phase * (1.0 if engine.latency.model else 0.0)
    wrong = np.abs(out[:, settled:] - expected).max(initial=0.0)
    if not wrong <= allowed:
        raise WrongAnswerError(
            "a sine does not keep its level or place", f"{cycle:.1f} frames a cycle, error {wrong:.3f}, {engine!r}"
        )
