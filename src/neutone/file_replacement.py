"""Files that are there whole or not at all, and never in place of an input."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neutone.errors import ConfigurationError, OutputFileError

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be deleted anyway
    fcntl = None  # type: ignore[assignment]

PREFIX = f".neutone-{hashlib.blake2s(platform.node().encode(), digest_size=4).hexdigest()}-"
"""of temporary names: with this computer's own, since locks of others may not be seen on a shared drive"""
TEMPORARY_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}(\..*)?")

_unfinished: set[Path] = set()
_swept: set[Path] = set()


@contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``, moved there when the block ends well and deleted when it does not: whoever
    looks at ``path`` sees the old file or the whole new one.

    A symbolic link is followed, and stays. What a killed process has left beside ``path`` is removed first.

    Raises :class:`~neutone.errors.OutputFileError` if a file cannot be made or replaced there.
    """
    target = _destination(path)
    _remove_abandoned(target.parent)
    temporary, descriptor = _create(path, target)
    _unfinished.add(temporary)
    try:
        yield temporary
        try:
            temporary.replace(target)
        except OSError as error:
            raise OutputFileError(f"cannot write {path}: {error.strerror}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _unfinished.discard(temporary)
        if descriptor is not None:
            os.close(descriptor)


def remove_unfinished() -> None:
    """Delete the temporary files of this process: for one that ends without unwinding."""
    for path in list(_unfinished):
        with contextlib.suppress(OSError):
            path.unlink()


class ProtectedFiles:
    """Inputs, none of which may be an output too. Files are compared, not names: a link to an input is the input."""

    def __init__(self, inputs: Iterable[Path]) -> None:
        self._names = {_identity(path): path for path in inputs if path.exists()}

    def refuse_as_target(self, target: Path) -> None:
        """Raise :class:`~neutone.errors.ConfigurationError` if the target is one of the inputs."""
        if target.exists() and (source := self._names.get(_identity(target))) is not None:
            raise ConfigurationError(f"{target} would overwrite the input {source}: name another output")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _destination(path: Path) -> Path:
    """The file that is meant: behind links, and one that can be replaced."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OutputFileError(f"cannot write {path}: its links lead in a circle")
    try:
        mode = target.stat().st_mode
    except (OSError, ValueError):  # most likely there is none yet; else making the temporary file says why
        return target
    if stat.S_ISDIR(mode):
        raise OutputFileError(f"cannot write {path}: it is a folder")
    if not stat.S_ISREG(mode):
        raise OutputFileError(f"cannot write {path}: it is a pipe, socket or device, expected a file or a new name")
    return target


def _create(path: Path, target: Path) -> tuple[Path, int | None]:
    """A new file, and what holds a lock on it: as long as this process lives, nobody takes the file for abandoned."""
    while True:
        temporary = target.parent / f"{PREFIX}{secrets.token_hex(8)}{target.suffix}"
        try:
            # 0o666 less the umask, as for any new file; tempfile would make it the owner's alone.
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except (OSError, ValueError) as error:
            raise OutputFileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
        if fcntl is None:
            os.close(descriptor)
            return temporary, None
        with contextlib.suppress(OSError):  # a file system without locks, where nothing is taken for abandoned either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)  # another process has locked and removed it before we could


def _remove_abandoned(folder: Path) -> None:
    """Temporary files of processes that were killed: those that nobody holds a lock on. Once a folder and process."""
    if folder in _swept:
        return
    _swept.add(folder)
    try:
        found = [path for path in folder.iterdir() if TEMPORARY_NAME.fullmatch(path.name)]
    except OSError:  # no such folder; making the temporary file will say so
        return
    for path in found:
        with contextlib.suppress(OSError):
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    if fcntl is None:
        path.unlink()
        return
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
