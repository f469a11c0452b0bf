"""Waiting for a condition."""

import time


def wait_until(condition, seconds: float = 10.0, what: str = "") -> None:
    """Poll until the condition is true. Fails after `seconds`, which is longer than a good run needs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.005)
