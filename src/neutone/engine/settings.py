"""The settings of an engine: those of its host, and those for running in the background."""

from __future__ import annotations

from dataclasses import dataclass

from neutone._core import LATE, Schedule
from neutone.errors import ConfigurationError
from neutone.limits import MAX_CHANNELS
from neutone.validation import require_integer, whole_rate

MAX_SLACK = 1024
BACKLOG_SECONDS = 0.5
BACKLOG_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The host's sample rate (Hz), block size (frames) and channel count, and the kind of resampler.

    Values that are like integers become Python integers, because small NumPy integers would overflow in later
    arithmetic."""

    sample_rate: int
    block_size: int
    channels: int
    resampler: str
    taps: int
    fixed_blocks: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample_rate", whole_rate(self.sample_rate))
        for name in ("sample_rate", "block_size", "channels", "taps"):
            object.__setattr__(self, name, require_integer(getattr(self, name), name))
        object.__setattr__(self, "fixed_blocks", bool(self.fixed_blocks))
        require_integer(self.channels, "channels", 1, MAX_CHANNELS)


@dataclass(frozen=True, slots=True)
class BackgroundSettings:
    """The settings of an engine in the background: ``slack`` in host blocks, and what is heard if the model is late."""

    slack: int
    late: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "slack", require_integer(self.slack, "slack", 0, MAX_SLACK, unit="host blocks"))
        if not isinstance(self.late, str) or self.late not in LATE:
            raise ConfigurationError(f"late is {self.late!r}, expected one of {', '.join(LATE)}")

    def backlog(self, schedule: Schedule) -> int:
        """Return how many model frames may wait for the model. A model that was late catches up on all of them, so that
        its state is what it would have been; frames beyond this limit are lost."""
        return max(int(BACKLOG_SECONDS * schedule.model_rate), BACKLOG_BLOCKS * schedule.session_block)
