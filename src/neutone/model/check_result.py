"""The result of checking one property of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: one line of a report.

    Attributes:
        name: What was checked, in a few words.
        passed: Whether the check passed; None if that could not be determined, for the reason that :attr:`detail`
            gives.
        detail: What was found, for people to read.

    >>> CheckResult("reset", False, "buffer 'memory' keeps its value").failed
    True
    """

    name: str
    passed: bool | None
    detail: str

    def __post_init__(self) -> None:
        if self.passed is not None:  # a comparison of NumPy numbers has NumPy's own bool
            if not isinstance(self.passed, bool | np.bool_):
                raise TypeError(f"passed is {self.passed!r}, expected True, False or None")
            object.__setattr__(self, "passed", bool(self.passed))

    @property
    def failed(self) -> bool:
        """Whether the check failed. False if its result is not known."""
        return self.passed is False
