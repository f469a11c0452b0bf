"""Which files may run their code.

A TorchScript archive is a program: opening it runs its code. A file that the user names is opened, like any other
program. A file that neutone has fetched from elsewhere is opened only if the user says so. That decision is remembered
by the file's SHA-256, so a different file of the same name needs a new decision.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from neutone.errors import OutputFileError, UntrustedFileError


def fetched_folder() -> Path:
    """Return the folder of fetched files: ``fetched`` in ``$NEUTONE_CACHE``, or in the user's cache folder."""
    given = os.environ.get("NEUTONE_CACHE")
    return (Path(given) if given else _user_folder("XDG_CACHE_HOME", ".cache", "Library/Caches")) / "fetched"


def _list_of_trusted() -> Path:
    """Return the path of the list of trusted files. Each line has a SHA-256 and, for human readers, the file's name."""
    given = os.environ.get("NEUTONE_CONFIG")
    return (Path(given) if given else _user_folder("XDG_CONFIG_HOME", ".config", "Library/Preferences")) / "trusted"


def _user_folder(variable: str, elsewhere: str, on_mac: str) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "neutone"
    if sys.platform == "darwin":
        return Path.home() / on_mac / "neutone"
    return Path(os.environ.get(variable) or Path.home() / elsewhere) / "neutone"


def is_fetched(path: Path) -> bool:
    """Return whether neutone has fetched the file:
    whether it lies in :func:`fetched_folder` once links are resolved."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(fetched_folder()))


def is_trusted(path: Path) -> bool:
    """Return whether the user has allowed a file with these contents to run its code."""
    try:
        lines = _list_of_trusted().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return _hash_of(path) in {line.partition(" ")[0] for line in lines}


def remember(path: Path) -> None:
    """Allow this file, and any other file with the same contents, to run its code from now on.

    Raises :class:`~neutone.errors.OutputFileError` if the list cannot be written.
    """
    if is_trusted(path):
        return
    name = path.name.encode("ascii", "backslashreplace").decode().replace("\n", " ")
    trusted = _list_of_trusted()
    try:
        trusted.parent.mkdir(parents=True, exist_ok=True)
        with trusted.open("a", encoding="utf-8") as file:
            file.write(f"{_hash_of(path)} {name}\n")
    except OSError as error:
        raise OutputFileError(f"cannot write {trusted}: {error.strerror}") from error


def require_trust(path: Path, trust: bool) -> None:
    """Check that a file may run its code. Call it before opening the file.

    If `trust` is true, the user trusts the file, and that is remembered. Raises
    :class:`~neutone.errors.UntrustedFileError` if the file was fetched and is not trusted.
    """
    if not path.is_file() or not is_fetched(path):
        return
    if trust:
        remember(path)
    elif not is_trusted(path):
        raise UntrustedFileError(
            f"{path} was fetched, and opening it runs its code: give --trust (trust=True in Python) if you trust its "
            f"author; neutone info runs none of it, neutone convert and validate --sandbox run it without rights"
        )


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
