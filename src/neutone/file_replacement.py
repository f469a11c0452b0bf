"""Write files so that they are there completely or not at all, and never overwrite an input."""

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
except ImportError:  # Windows, where an open file cannot be deleted anyway
    fcntl = None  # type: ignore[assignment]

PREFIX = f".neutone-{hashlib.blake2s(platform.node().encode(), digest_size=4).hexdigest()}-"
"""The prefix of temporary names.
It includes the computer's name, because a shared drive may not show other computers' locks."""
TEMPORARY_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}(\..*)?")

_unfinished: set[Path] = set()
_swept: set[Path] = set()


@contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """Give a temporary path next to ``path``. It is moved to ``path`` if the ``with`` block succeeds, and deleted if it
    fails. Whoever reads ``path`` gets either the old file or the complete new one.

    Symbolic links are followed and kept. Temporary files that a killed process left next to ``path`` are removed first.

    Raises :class:`~neutone.errors.OutputFileError` if the file cannot be created or replaced.
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
    """Delete this process's temporary files. For a process that ends without unwinding its ``with`` blocks."""
    for path in list(_unfinished):
        with contextlib.suppress(OSError):
            path.unlink()


class ProtectedFiles:
    """Input files that must not be overwritten.
    Files are compared, not names: a link to an input counts as the input."""

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
    """Resolve the links in a path, and check that a file there can be replaced."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OutputFileError(f"cannot write {path}: its links lead in a circle")
    try:
        mode = target.stat().st_mode
    except (OSError, ValueError):  # most likely there is no file yet; if not, creating the temporary file says why
        return target
    if stat.S_ISDIR(mode):
        raise OutputFileError(f"cannot write {path}: it is a folder")
    if not stat.S_ISREG(mode):
        raise OutputFileError(f"cannot write {path}: it is a pipe, socket or device, expected a file or a new name")
    return target


def _create(path: Path, target: Path) -> tuple[Path, int | None]:
    """Create a temporary file. Returns its path, and a descriptor that holds a lock on it:
    while this process lives, other processes do not take the file for abandoned."""
    while True:
        temporary = target.parent / f"{PREFIX}{secrets.token_hex(8)}{target.suffix}"
        try:
            # 0o666 minus the umask, as for any new file; tempfile would make it readable by the owner only.
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except (OSError, ValueError) as error:
            raise OutputFileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
        if fcntl is None:
            os.close(descriptor)
            return temporary, None
        with contextlib.suppress(OSError):  # a file system without locks, where no file is taken for abandoned either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)  # another process locked and removed the file before we locked it


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files of killed processes: those that nobody has locked. Runs once per folder and process."""
    if folder in _swept:
        return
    _swept.add(folder)
    try:
        found = [path for path in folder.iterdir() if TEMPORARY_NAME.fullmatch(path.name)]
    except OSError:  # no such folder; creating the temporary file will say so
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
