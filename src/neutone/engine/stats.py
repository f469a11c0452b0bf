"""The counters of an engine, and how long its blocks take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of durations in seconds. A percentile is up to 1/16 longer than the true one.

    Attributes:
        total: The sum of all durations in seconds.
        longest: The longest duration in seconds.
        classes: The histogram: a mapping from an upper limit in ns to the number of durations up to it and above the
            previous one.

    >>> times = Durations.from_nanoseconds(6_000, 3_000, [(1_023, 2), (3_071, 2)])
    >>> times.count, times.longest
    (4, 3e-06)
    >>> times.percentile(50), times.percentile(99)
    (1.023e-06, 3e-06)
    """

    total: float = 0.0
    longest: float = 0.0
    classes: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def from_nanoseconds(cls, total: int, longest: int, classes: list[tuple[int, int]]) -> Durations:
        """Make a histogram from the core's counters:
        the sum and the longest in ns, and a (limit in ns, count) pair for each class."""
        return cls(1e-9 * total, 1e-9 * longest, dict(classes))

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self.classes.values())

    def percentile(self, percent: float) -> float:
        """Return the duration in seconds that `percent` (0..100) of all durations did not exceed, or 0.0 if there are
        none."""
        wanted = percent / 100.0 * self.count
        seen = 0
        for longest, number in sorted(self.classes.items()):
            seen += number
            if seen >= wanted:
                return min(1e-9 * longest, self.longest)
        return self.longest

    def since(self, before: Durations) -> Durations:
        """Return the histogram of the durations that were added after an earlier reading.
        Its `longest` still covers all time."""
        newer = {upper: number - before.classes.get(upper, 0) for upper, number in self.classes.items()}
        return Durations(
            self.total - before.total, self.longest, {upper: number for upper, number in newer.items() if number}
        )


@dataclass(frozen=True, slots=True)
class EngineStats:
    """The counters of an engine since the last reset.

    Attributes:
        host_blocks: Host blocks processed.
        host_frames: Host frames processed.
        model_blocks: Model blocks run.
        model_frames: Model frames run, at the model's rate.
        nonfinite_input: Input samples that were NaN or infinite and became silence.
        nonfinite_output: Samples of the model's output that were NaN or infinite and became silence.
        starved_frames: Late frames: host frames that were not ready in time and were replaced, by silence or as
            ``late`` says.
        lost_frames: Lost frames: host frames that never reached the model because it was too far behind.
        failed_blocks: Model blocks that became silence because the model raised an exception.
        scheduling: How the model's thread is scheduled. In the background: whether it is real-time, and if not, why.
    """

    host_blocks: int
    host_frames: int
    model_blocks: int
    model_frames: int
    nonfinite_input: int
    nonfinite_output: int
    starved_frames: int
    lost_frames: int
    failed_blocks: int
    scheduling: str = "the caller's"


@dataclass(frozen=True, slots=True)
class LiveStats:
    """The counters of an engine in the background since it was made.

    Attributes:
        blocks: Host blocks processed.
        frames: Host frames processed.
        late_frames: Late frames: host frames that were replaced because the model was not ready in time.
        hurried_frames: Those late frames for which the host gave the model less than half of the slack, such as an
            audio server that catches up after an xrun.
        lost_frames: Lost frames: host frames that never reached the model because it was too far behind.
        refused_blocks: Host blocks whose size or channel count was not what the engine is configured for; they became
            silence.
        takeovers: How often the engine switched to a new stream: once at the start, and once for each reset or
            reconfiguration.
        audio_ns: The duration in ns of the audio in all host blocks.
        callback_times: How long the host's blocks took to compute.
        model_times: How long the model's blocks took to compute.
        model_in_callback: Whether ``callback_times`` include ``model_times``, because the model runs in the host's
            callback.
    """

    blocks: int
    frames: int
    late_frames: int
    hurried_frames: int
    lost_frames: int
    refused_blocks: int
    takeovers: int
    audio_ns: int
    callback_times: Durations
    model_times: Durations
    model_in_callback: bool

    @property
    def load(self) -> float:
        """Compute time divided by audio time."""
        if self.audio_ns == 0:
            return 0.0
        computed = self.callback_times.total + (0.0 if self.model_in_callback else self.model_times.total)
        return computed / (1e-9 * self.audio_ns)
