"""The latency of a model in a host, and how long the host's blocks take."""

from __future__ import annotations

import time as clock
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neutone._core import Schedule
from neutone.engine.engine import Engine
from neutone.engine.latency import Latency

if TYPE_CHECKING:
    from neutone.plugins import Model, ModelSummary

Array = NDArray[np.float32]

WARM_UP_BLOCKS = 8
NOISE_SECONDS = 2


@dataclass(frozen=True)
class HostLatency:
    """The latency that a host at this sample rate (Hz) and block size (frames) would report.

    Attributes:
        sample_rate: The host's sample rate in Hz.
        block_size: The host's block size in frames.
        model_sample_rate: The sample rate in Hz at which the model runs.
        model_block_size: The model's block size in frames, or None if it takes any.
        latency: The latency by its causes, in host frames.
        without_model: Whether the model's own delay is not known, and so is not part of ``latency``.
    """

    sample_rate: int
    block_size: int
    model_sample_rate: int
    model_block_size: int | None
    latency: Latency
    without_model: bool = False

    @property
    def milliseconds(self) -> float:
        return self.latency.milliseconds(self.sample_rate)

    def to_json_dict(self) -> dict[str, Any]:
        parts = {**self.latency._asdict(), "total": self.latency.total, "ms": round(self.milliseconds, 3)}
        if self.without_model:
            parts.update(model=None, total=None, ms=None)
        return {**{key: value for key, value in asdict(self).items() if key != "without_model"}, "latency": parts}


@dataclass(frozen=True)
class Timing:
    """How long blocks took to compute.

    Attributes:
        at: The host's sample rate, block size and latency.
        blocks: How many blocks were timed.
        median_us: The median time for a block in microseconds.
        p99_us: The time in microseconds that 99 % of the blocks did not exceed.
        rtf: Compute time divided by audio time, over all blocks.
        model_block_us: If the model's blocks are longer than the host's, so that the model does not run in every block:
            the median time for a host block in which it runs, in microseconds. Otherwise None.
    """

    at: HostLatency
    blocks: int
    median_us: float
    p99_us: float
    rtf: float
    model_block_us: float | None = None

    @property
    def block_us(self) -> float:
        """The audio time of a block in microseconds, within which it must be computed."""
        return 1e6 * self.at.block_size / self.at.sample_rate

    def to_json_dict(self) -> dict[str, Any]:
        times = {name: round(getattr(self, name), 2) for name in ("block_us", "median_us", "p99_us")}
        model_block = None if self.model_block_us is None else round(self.model_block_us, 2)
        others = {"rtf": round(self.rtf, 6), "model_block_us": model_block}
        return {**self.at.to_json_dict(), "blocks": self.blocks, **times, **others}


def latency_at(model: Model | ModelSummary, sample_rate: int, block_size: int) -> HostLatency:
    """Compute a model's latency in a host. Nothing is run."""
    metadata = model.metadata
    schedule = Schedule.choose(
        sample_rate, block_size, model_rates=metadata.native_sample_rates, model_blocks=metadata.native_buffer_sizes
    )
    model_delay = round((model.model_delay or 0) * sample_rate / schedule.model_rate)
    latency = Latency(schedule.resampling, schedule.buffering, model_delay)
    return HostLatency(
        sample_rate, block_size, schedule.model_rate, schedule.model_block or None, latency, model.model_delay is None
    )


def test_noise(channels: int, sample_rate: int) -> Array:
    """Return noise with a peak of -12 dBFS. Silence would take some models less time than real audio."""
    shape = (channels, NOISE_SECONDS * sample_rate)
    return np.random.default_rng(0).uniform(-0.25, 0.25, shape).astype(np.float32)


def time_blocks(model: Model, audio: Array, sample_rate: int, block_size: int, seconds: float) -> Timing:
    """Process the audio over and over for `seconds`, but for at least two model blocks, and return how long blocks
    took."""
    at = latency_at(model, sample_rate, block_size)
    model_block_frames = (at.model_block_size or 0) * sample_rate / at.model_sample_rate
    starts = range(0, audio.shape[1] - block_size + 1, block_size)
    blocks = [np.ascontiguousarray(audio[:, start : start + block_size]) for start in starts]
    out = np.empty_like(blocks[0])
    spent: list[int] = []
    with Engine(model, sample_rate, block_size, len(audio)) as engine:
        for index in range(WARM_UP_BLOCKS):
            engine.process(blocks[index % len(blocks)], out)
        deadline = clock.perf_counter() + seconds
        while clock.perf_counter() < deadline or len(spent) * block_size <= 2 * model_block_frames:
            block = blocks[len(spent) % len(blocks)]
            start = clock.perf_counter_ns()
            engine.process(block, out)
            spent.append(clock.perf_counter_ns() - start)
    microseconds = np.array(spent) / 1e3
    rtf = 1e-6 * float(microseconds.sum()) * sample_rate / (len(spent) * block_size)
    median, p99 = np.percentile(microseconds, [50, 99])
    model_block_us = None
    if model_block_frames > block_size:
        # The model runs in as many host blocks as it has blocks in this audio: the slowest ones.
        runs = max(1, int(len(spent) * block_size / model_block_frames))
        model_block_us = float(np.median(np.sort(microseconds)[-runs:]))
    return Timing(at, len(spent), float(median), float(p99), rtf, model_block_us)
