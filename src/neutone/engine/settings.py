"""What a host asks of an engine."""

from __future__ import annotations

from dataclasses import dataclass

from neutone.limits import MAX_CHANNELS
from neutone.validation import require_integer

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
            object.__setattr__(self, name, require_integer(getattr(self, name), name))
        object.__setattr__(self, "fixed_blocks", bool(self.fixed_blocks))
        require_integer(self.channels, "channels", 1, MAX_CHANNELS)
