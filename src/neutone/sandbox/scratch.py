"""Short-lived files, for functions that run with or without a sandbox."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_file(contents: bytes, suffix: str = "") -> Iterator[Path]:
    """Give the path of a file with these contents, which is deleted after the ``with`` block. It is in the temporary
    folder; if nothing can be written there, as in a sandbox without Landlock, it is in memory.

    >>> with scratch_file(b"abc") as path:
    ...     path.read_bytes()
    b'abc'
    """
    try:
        opened, name = tempfile.mkstemp(suffix)
    except OSError:
        if not hasattr(os, "memfd_create"):
            raise
        opened = os.memfd_create("scratch")
        name = f"/proc/self/fd/{opened}"
    path = Path(name)
    is_in_memory = name.startswith("/proc/self/fd/")
    try:
        with open(opened, "wb", closefd=False) as file:
            file.write(contents)
        yield path
    finally:
        os.close(opened)
        if not is_in_memory:
            path.unlink(missing_ok=True)
