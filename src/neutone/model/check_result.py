"""The outcome of looking at one property of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a report.

    >>> CheckResult("reset", False, "buffer 'memory' keeps its value").failed
    True
    """

    name: str
    passed: bool | None
    """None: it could not be told, and :attr:`detail` says why"""
    detail: str
    """what was found, in words and numbers"""

    @property
    def failed(self) -> bool:
        """Whether it is known to be wrong."""
        return self.passed is False
