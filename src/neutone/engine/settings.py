"""What a host asks of an engine."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from neutone.errors import ConfigurationError
from neutone.limits import MAX_CHANNELS

__all__ = ["HostSettings"]


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Sample rate (Hz), block size (frames), channels and the way of resampling. Whatever is like an integer becomes
    one: small numpy integers would overflow in later arithmetic."""

    sample_rate: int
    block_size: int
    channels: int
    resampler: str
    taps: int
    fixed_blocks: bool

    def __post_init__(self) -> None:
        for name in ("sample_rate", "block_size", "channels", "taps"):
            object.__setattr__(self, name, _integer(getattr(self, name), name))
        object.__setattr__(self, "fixed_blocks", bool(self.fixed_blocks))
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ConfigurationError(f"channels is {self.channels}, expected an integer from 1 to {MAX_CHANNELS}")


def _integer(value: Any, name: str) -> int:
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise ConfigurationError(f"{name} is {value!r}, expected an integer")
