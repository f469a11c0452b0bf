"""The result of checking one property of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: one line of a report.

    >>> CheckResult("reset", False, "buffer 'memory' keeps its value").failed
    True
    """

    name: str
    passed: bool | None
    """Whether the check passed; None if that could not be determined, for the reason that :attr:`detail` gives."""
    detail: str
    """What was found, for people to read."""

    @property
    def failed(self) -> bool:
        """Whether the check failed. False if its result is not known."""
        return self.passed is False
