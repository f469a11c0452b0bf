"""How long something took, as a real-time thread counts it: by classes, an octave in sixteen parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Durations"]


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
