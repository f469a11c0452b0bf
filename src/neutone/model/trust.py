"""Which files may run their code.

A TorchScript archive is a program: to open it is to run it. A file that the user names is opened, as any program would
be. A file that neutone has fetched from somewhere else is opened only if the user says that it may. What was said is
remembered by the file's SHA-256, so that another file of the same name is asked about again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from neutone.errors import OutputFileError, UntrustedFileError


def fetched_folder() -> Path:
    """Where neutone keeps files that it fetches: ``fetched`` in ``$NEUTONE_CACHE``, or in the user's cache folder."""
    given = os.environ.get("NEUTONE_CACHE")
    return (Path(given) if given else _user_folder("XDG_CACHE_HOME", ".cache", "Library/Caches")) / "fetched"


def _list_of_trusted() -> Path:
    """A line for each file: its SHA-256 and, for whoever reads the list, its name."""
    given = os.environ.get("NEUTONE_CONFIG")
    return (Path(given) if given else _user_folder("XDG_CONFIG_HOME", ".config", "Library/Preferences")) / "trusted"


def _user_folder(variable: str, elsewhere: str, on_mac: str) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "neutone"
    if sys.platform == "darwin":
        return Path.home() / on_mac / "neutone"
    return Path(os.environ.get(variable) or Path.home() / elsewhere) / "neutone"


def is_fetched(path: Path) -> bool:
    """Whether neutone has fetched the file: it lies in :func:`fetched_folder`, by whatever link it is reached."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(fetched_folder()))


def is_trusted(path: Path) -> bool:
    """Whether the user has said of a file with these contents that it may run."""
    try:
        lines = _list_of_trusted().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return _hash_of(path) in {line.partition(" ")[0] for line in lines}


def remember(path: Path) -> None:
    """From now on a file with these contents may run.

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
    """To be called before a file runs its code; `trust` is what the user says now, and is remembered.

    Raises :class:`~neutone.errors.UntrustedFileError` for a file that was fetched, unless it is trusted.
    """
    if not path.is_file() or not is_fetched(path):
        return
    if trust:
        remember(path)
    elif not is_trusted(path):
        raise UntrustedFileError(
            f"{path} was fetched, and to open it is to run its code: give --trust (trust=True in Python) if you trust "
            f"its author; neutone info runs nothing of it, neutone convert and validate --sandbox run it without rights"
        )


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
