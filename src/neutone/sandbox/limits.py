"""Limits on what a sandboxed process may use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from neutone.errors import ConfigurationError

OPEN_FILES = 256
PROCESSOR_SECONDS_PER_SECOND = 4
"""How much processor time is allowed per second of the time limit.
Libraries are told to use one thread, but may not obey."""


@dataclass(frozen=True)
class Limits:
    """What a sandboxed process may use before it is ended.

    Attributes:
        seconds: The time limit in seconds, from the start of the process to its end.
        memory_mb: The memory limit in MiB of address space, on top of what Python and its libraries take. Not on
            Windows.
        file_mb: The limit in MiB on each file that it writes, and on all files that it returns together. Not on
            Windows.

    Raises:
        neutone.errors.ConfigurationError: A limit is not above 0.

    >>> Limits(seconds=30).memory_mb
    4096
    """

    seconds: float = 120.0
    memory_mb: int = 4096
    file_mb: int = 512

    def __post_init__(self) -> None:
        for name, unit in (("seconds", "s"), ("memory_mb", "MiB"), ("file_mb", "MiB")):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigurationError(f"the limit {name} is {value} {unit}, expected more than 0")

    def __str__(self) -> str:
        return f"{self.seconds:g} s, {self.memory_mb} MiB of memory"


def limit_resources(limits: Limits) -> None:
    """Limit this process in everything but memory, because its libraries are not loaded yet."""
    if sys.platform == "win32":
        return
    import resource

    processor_seconds = int(limits.seconds * PROCESSOR_SECONDS_PER_SECOND) + 1
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, processor_seconds),
        (resource.RLIMIT_FSIZE, limits.file_mb << 20),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        _lower(kind, amount)


def limit_memory(limits: Limits) -> None:
    """Limit the memory that this process may take from now on.

    The address space of what is already loaded does not count: PyTorch alone maps from one to many GiB.
    """
    if sys.platform == "win32":
        return
    import resource

    statistics = Path("/proc/self/statm")
    pages = int(statistics.read_text().split()[0]) if statistics.exists() else 0
    if pages or sys.platform != "darwin":  # macOS refuses limits on address space
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + (limits.memory_mb << 20))


def _lower(kind: int, amount: int) -> None:
    import resource

    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        amount = min(amount, most)
    resource.setrlimit(kind, (amount, amount))
