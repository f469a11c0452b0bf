"""Latency, in frames at the host's sample rate."""

from __future__ import annotations

from typing import NamedTuple


class Latency(NamedTuple):
    """Where the delay between input and output comes from. An impulse that goes in at frame 0 comes out at ``total``.

    >>> latency = Latency(resampling=36, buffering=1804, model=0)
    >>> latency.total, round(latency.milliseconds(48_000), 1)
    (1840, 38.3)
    """

    resampling: int
    """frames that the resamplers wait for (0 where the model runs at the host's rate)"""
    buffering: int
    """frames added by collecting whole model blocks (0 where the model takes any block size)"""
    model: int
    """frames by which the model itself delays, rounded to the host's rate"""
    slack: int = 0
    """frames that a model in the background has to answer (0 where it runs in the host's callback)"""

    @property
    def total(self) -> int:
        """resampling + buffering + model + slack"""
        return self.resampling + self.buffering + self.model + self.slack

    def milliseconds(self, sample_rate: int) -> float:
        """The total in ms at a host rate in Hz."""
        return 1000.0 * self.total / sample_rate
