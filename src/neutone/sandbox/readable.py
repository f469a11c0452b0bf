"""What a Python process must be able to read: its own files, its libraries, and what the kernel says about the machine.

It does not include the home folder, the working folder or other processes.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system/cpu",
)
ENTRY_POINTS = ("neutone.backends",)


def import_folders(modules: Iterable[str]) -> list[str]:
    """Return the folders to search for modules, for a process whose own search path has only Python's folders.

    Args:
        modules: The names of modules that must be found. Installed plug-ins are found too.
    """
    names = [*modules, "neutone"]
    for group in ENTRY_POINTS:
        names += [entry.module for entry in importlib.metadata.entry_points(group=group)]
    folders = []
    for name in names:
        specification = _find(name)
        if specification is not None and specification.origin is not None:
            file = Path(specification.origin)
            folders.append(str(file.parent.parent if specification.submodule_search_locations else file.parent))
    return list(dict.fromkeys([*folders, *_library_folders()]))


def readable_paths(modules: Iterable[str]) -> list[Path]:
    """Return the files and folders to read. For modules outside of Python's folders, these are their packages only."""
    names = [*modules, "neutone"]
    for group in ENTRY_POINTS:
        names += [entry.module for entry in importlib.metadata.entry_points(group=group)]
    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *_library_folders()]
    paths += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    for name in names:
        specification = _find(name)
        if specification is not None and specification.origin is not None:
            paths += specification.submodule_search_locations or [specification.origin]
    resolved = [Path(path).resolve() for path in paths if path]
    # /proc/self is a different folder in each process, so it must not be resolved here.
    return [*map(Path, SYSTEM), *(path for path in dict.fromkeys(resolved) if not _is_too_much(path))]


def _find(name: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None


def _library_folders() -> list[str]:
    installed = ("site-packages", "dist-packages")
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return folders + [path for path in sys.path if Path(path).name in installed]


def _is_too_much(path: Path) -> bool:
    """Return whether a folder contains everything of the user."""
    try:
        home = Path.home().resolve()
    except RuntimeError:
        return path == Path(path.anchor)
    return home.is_relative_to(path)
