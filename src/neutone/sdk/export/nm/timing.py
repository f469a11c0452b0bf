"""The speed and the delay of a wrapped model in hosts that run the file without neutone."""

import statistics
import time
from typing import Any

import torch

from neutone.plugins import HostTiming
from neutone.sdk.export.one_thread import one_thread

HOSTS = tuple((rate, block) for rate in (44_100, 48_000) for block in (128, 256, 512, 1024, 2048))
"""The hosts that are tried, as (sample rate in Hz, block size in frames)."""
SECONDS = 0.1
WARM_UP_BLOCKS = 4
LEAST_BLOCKS = 8


def time_wrapper(wrapper: Any, sample_rate: int, block_size: int, seconds: float = SECONDS) -> HostTiming:
    """Run a ``SampleQueueWrapper``, scripted or not, on noise, on one thread.

    Args:
        wrapper: The wrapper. Its rate, block size and state are changed.
        sample_rate: The host's sample rate in Hz.
        block_size: The host's block size in frames.
        seconds: How long to run; 0 to only find out the delay.
    """
    wrapper.set_daw_sample_rate_and_buffer_size(sample_rate, block_size)
    wrapper.reset()
    delays = int(wrapper.calc_buffering_delay_samples()), int(wrapper.calc_model_delay_samples())
    if seconds <= 0.0:
        return HostTiming(sample_rate, block_size, *delays, None, None)
    with one_thread():
        spent = _run(wrapper, block_size, delays[0], seconds)
    rtf = sum(spent) * sample_rate / (len(spent) * block_size)
    return HostTiming(sample_rate, block_size, *delays, 1e6 * statistics.median(spent), rtf)


def _run(wrapper: Any, block_size: int, delay: int, seconds: float) -> list[float]:
    """Return the seconds that each block took.
    There are enough blocks to fill the delay: those that only queue are cheap."""
    blocks = (torch.rand(16, 2, block_size, generator=torch.Generator().manual_seed(0)) - 0.5) / 2
    least = LEAST_BLOCKS + 2 * delay // block_size
    spent: list[float] = []
    with torch.no_grad():
        for index in range(WARM_UP_BLOCKS + delay // block_size):
            wrapper.forward(blocks[index % len(blocks)], None)
        end = time.perf_counter() + seconds
        while len(spent) < least or time.perf_counter() < end:
            block = blocks[len(spent) % len(blocks)]
            start = time.perf_counter()
            wrapper.forward(block, None)
            spent.append(time.perf_counter() - start)
    return spent
