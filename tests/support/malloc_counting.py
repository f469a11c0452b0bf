"""Counting calls of the C allocator: glibc on Linux only, with a C compiler at hand.

The counter must be loaded before everything else, so what is counted runs in a process of its own, started by
:func:`counting_environment`; in there, :func:`allocations` reads the counter.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["allocations", "allocations_a_call", "counting_environment", "why_not"]

SOURCE = Path(__file__).parent / "malloc_counter.c"


def why_not() -> str | None:
    """Return why allocations cannot be counted here, or None if they can."""
    if not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):
        return "the allocator is intercepted on Linux with glibc only"
    if shutil.which("cc") is None:
        return "there is no C compiler"
    return None


def counting_environment(folder: Path) -> dict[str, str]:
    """Return the environment for a process whose allocations are counted. The library is compiled into `folder`."""
    library = folder / "malloc_counter.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(library)], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


def allocations() -> int:
    """Return the calls of malloc, calloc, realloc, memalign, aligned_alloc and posix_memalign in this process so
    far."""
    counter = ctypes.CDLL(None).malloc_counter_allocations
    counter.restype = ctypes.c_ulong
    return int(counter())


def allocations_a_call(call: Callable[[], object], calls: int = 1000) -> float:
    """Return how many allocations a call makes once it is warm."""
    read = ctypes.CDLL(None).malloc_counter_allocations
    read.restype = ctypes.c_ulong
    for _ in range(200):
        call()
    before = read()
    for _ in range(calls):
        call()
    return float((read() - before) / calls)
