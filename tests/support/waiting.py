"""Waiting for what happens in its own time."""

import time


def wait_until(condition, seconds: float = 10.0, what: str = "") -> None:
    """Poll until it is true; fails after `seconds`, which no good run needs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.005)
