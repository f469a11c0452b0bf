"""The latency of an engine, in frames at the host's sample rate."""

from __future__ import annotations

from typing import NamedTuple


class Latency(NamedTuple):
    """The delay between input and output, by its causes. An impulse that goes in at frame 0 comes out at frame
    ``total``.

    Attributes:
        resampling: Host frames added by the resamplers; 0 if the model runs at the host's rate.
        buffering: Host frames added by collecting whole model blocks; 0 if the model takes any block size.
        model: The model's own delay, rounded to host frames.
        slack: Host frames that a model in the background has to compute its output; 0 if it runs in the host's
            callback.

    >>> latency = Latency(resampling=36, buffering=1804, model=0)
    >>> latency.total, round(latency.milliseconds(48_000), 1)
    (1840, 38.3)
    """

    resampling: int
    buffering: int
    model: int
    slack: int = 0

    @property
    def total(self) -> int:
        """The total latency in host frames: resampling + buffering + model + slack."""
        return self.resampling + self.buffering + self.model + self.slack

    def milliseconds(self, sample_rate: int) -> float:
        """Return the total latency in milliseconds, given the host's sample rate in Hz."""
        return 1000.0 * self.total / sample_rate
