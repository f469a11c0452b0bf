"""Checks of a loaded model in an engine: it runs, a reset leaves no trace, and its delay is the reported one.

``neutone validate`` runs them in several hosts, and exporters run them before a file is put in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neutone.checks.delay import compare_delay
from neutone.engine.engine import Engine
from neutone.model.check_result import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neutone.plugins import Model

Array = NDArray[np.float32]

MODEL_BLOCKS = 6
LEAST_SECONDS = 0.5
LEVEL = 0.25
TOLERANCE = 1e-5
TYPICAL_RATE = 48_000
TYPICAL_BLOCK, OTHER_BLOCK = 512, 441


def check_in_engine(model: Model, sample_rate: int, block_size: int, prefix: str = "") -> Iterator[CheckResult]:
    """Yield the checks "runs", "reset" and "delay" of a model in a host.

    Args:
        model: The model, as loaded from its file.
        sample_rate: The host's sample rate in Hz.
        block_size: The host's block size in frames.
        prefix: What the checks' names begin with.

    Raises:
        Exception: Whatever the model or its backend raises.
    """
    noise = noise_for(model, sample_rate, block_size)
    with Engine(model, sample_rate, block_size, len(noise)) as engine:
        engine.wet, engine.dry = 1.0, 0.0
        first = _play(engine, noise)
        yield _check_run(f"{prefix}runs", engine, first)
        delay = engine.latency.total
        engine.reset()
        again = _play(engine, noise)
    difference = float(np.abs(again - first).max())
    found = f"the same audio after a reset: largest difference {difference:.1e}"
    yield CheckResult(f"{prefix}reset", difference <= TOLERANCE, found)
    yield compare_delay(f"{prefix}delay", noise[0], first, delay, sample_rate)


def check_block_sizes(model: Model) -> Iterator[CheckResult]:
    """Yield the check "block size" of a model that takes any: its output should not depend on it. A host at another
    rate gives such a model as many frames as have arrived, 470 and 471 in turn.

    Raises:
        Exception: Whatever the model or its backend raises.
    """
    if model.metadata.native_buffer_sizes:
        return
    rate = (model.metadata.native_sample_rates or [TYPICAL_RATE])[0]
    noise = noise_for(model, rate, TYPICAL_BLOCK)
    outputs = []
    for block_size in (TYPICAL_BLOCK, OTHER_BLOCK):
        with Engine(model, rate, block_size, len(noise)) as engine:
            engine.wet, engine.dry = 1.0, 0.0
            outputs.append(_play(engine, noise[:, : noise.shape[1] // block_size * block_size]))
    frames = min(audio.shape[1] for audio in outputs)
    difference = float(np.abs(outputs[0][:, :frames] - outputs[1][:, :frames]).max())
    sizes = f"blocks of {TYPICAL_BLOCK} and {OTHER_BLOCK} frames"
    if difference <= TOLERANCE:
        yield CheckResult("block size", True, f"the same output in {sizes}: largest difference {difference:.1e}")
    else:
        hint = f"load it with block_size={TYPICAL_BLOCK} to give it this size only"
        found = f"the output depends on it: largest difference {difference:.1e} between {sizes}"
        yield CheckResult("block size", None, f"{found}; {hint}")


def noise_for(model: Model, sample_rate: int, block_size: int) -> Array:
    """Return the same noise on all channels, of shape (channels, frames), as long as several of the model's blocks."""
    metadata = model.metadata
    longest = max([*metadata.native_buffer_sizes, 1]) / min([*metadata.native_sample_rates, sample_rate])
    frames = int(sample_rate * max(LEAST_SECONDS, MODEL_BLOCKS * longest))
    blocks = -(-frames // block_size)
    noise = np.random.default_rng(0).uniform(-LEVEL, LEVEL, (1, blocks * block_size)).astype(np.float32)
    return np.repeat(noise, max(model.input_channels, model.output_channels), axis=0)


def _play(engine: Engine, audio: Array) -> Array:
    size = engine.block_size
    return np.concatenate(
        [engine.process(audio[:, start : start + size].copy()) for start in range(0, audio.shape[1], size)], axis=1
    )


def _check_run(name: str, engine: Engine, out: Array) -> CheckResult:
    stats = engine.stats
    complaints = [
        f"{count} {what}"
        for what, count in (
            ("frames were not there in time", stats.starved_frames),
            ("blocks failed", stats.failed_blocks),
            ("samples were NaN or infinite", stats.nonfinite_output),
        )
        if count
    ]
    peak = float(np.abs(out).max())
    if complaints:
        return CheckResult(name, False, ", ".join(complaints))
    model_block = engine.model_block_size or "any"
    return CheckResult(name, True, f"model at {engine.model_sample_rate}/{model_block}, peak {peak:.2f}")
