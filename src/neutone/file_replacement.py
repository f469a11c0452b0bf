"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neutone.errors import OutputFileError

__all__ = ["replaced_when_complete"]


@contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``, moved there when the block ends well and deleted when it does not: whoever
    looks at ``path`` sees the old file or the whole new one."""
    if path.is_dir():
        raise OutputFileError(f"cannot write {path}: it is a folder")
    temporary = path.parent / f".{secrets.token_hex(8)}{path.suffix}"
    try:
        # 0o666 less the umask, as for any new file; tempfile would make it the owner's alone.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except (OSError, ValueError) as error:
        raise OutputFileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield temporary
        try:
            temporary.replace(path)
        except OSError as error:
            raise OutputFileError(f"cannot write {path}: {error.strerror}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
