"""What an engine counts, and how long its blocks take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Durations:
    """Counts of durations, s. Percentiles are at most 1/16 too long.

    >>> times = Durations.from_nanoseconds(6_000, 3_000, [(1_023, 2), (3_071, 2)])
    >>> times.count, times.longest
    (4, 3e-06)
    >>> times.percentile(50), times.percentile(99)
    (1.023e-06, 3e-06)
    """

    total: float = 0.0
    """s"""
    longest: float = 0.0
    """s"""
    classes: Mapping[int, int] = field(default_factory=dict)
    """how many durations were at most so many ns, and longer than the class before"""

    @classmethod
    def from_nanoseconds(cls, total: int, longest: int, classes: list[tuple[int, int]]) -> Durations:
        """As the core counts them."""
        return cls(1e-9 * total, 1e-9 * longest, dict(classes))

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.classes.values())

    def percentile(self, percent: float) -> float:
        """The duration, s, that `percent` (0..100) of them did not exceed; 0.0 where there were none."""
        wanted = percent / 100.0 * self.count
        seen = 0
        for longest, number in sorted(self.classes.items()):
            seen += number
            if seen >= wanted:
                return min(1e-9 * longest, self.longest)
        return self.longest

    def since(self, before: Durations) -> Durations:
        """What came after an earlier reading. `longest` is that of all time."""
        newer = {upper: number - before.classes.get(upper, 0) for upper, number in self.classes.items()}
        return Durations(
            self.total - before.total, self.longest, {upper: number for upper, number in newer.items() if number}
        )


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counters since the last reset."""

    host_blocks: int
    host_frames: int
    model_blocks: int
    model_frames: int
    nonfinite_input: int
    """input samples that were NaN or infinite and became silence"""
    nonfinite_output: int
    """samples of the model that were NaN or infinite and became silence"""
    starved_frames: int
    """host frames that were not there in time and were replaced: by silence, or as ``late`` says"""
    lost_frames: int
    """host frames that the model never heard, for it was too far behind"""
    failed_blocks: int
    """model blocks that raised and became silence"""
    scheduling: str = "the caller's"
    """how the model's thread is scheduled; in the background, whether that is real-time, and if not, why"""


@dataclass(frozen=True, slots=True)
class LiveStats:
    """How an engine in the background is doing since it was made."""

    blocks: int
    """host blocks"""
    frames: int
    """host frames"""
    late_frames: int
    """host frames that were replaced, for the model had not answered in time"""
    hurried_frames: int
    """of the late frames, those where the host gave the model less than half of the slack: an audio server that catches
    up after an xrun"""
    lost_frames: int
    """host frames that the model never heard, for it was too far behind"""
    refused_blocks: int
    """blocks of another size or number of channels than the engine is configured for, answered with silence"""
    takeovers: int
    """streams that were put in place: the first, and one for each reset or reconfiguration"""
    audio_ns: int
    """how long the blocks sound, ns"""
    callback_times: Durations
    """of the host's blocks"""
    model_times: Durations
    """of the model's blocks"""
    model_in_callback: bool
    """whether the first include the second"""

    @property
    def load(self) -> float:
        """Compute time / audio time."""
        if self.audio_ns == 0:
            return 0.0
        computed = self.callback_times.total + (0.0 if self.model_in_callback else self.model_times.total)
        return computed / (1e-9 * self.audio_ns)
