"""Time calls. Needs nothing but Python, because the peers' environment uses it too."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

__all__ = ["microseconds"]


def microseconds(call: Callable[[], object], *, calls: int, repeats: int = 10) -> float:
    """Return the median over `repeats` of the mean over `calls` in microseconds, after as many calls to warm up."""
    for _ in range(calls):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times) * 1e6
