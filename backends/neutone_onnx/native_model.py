"""Open a model file through ONNX Runtime's C API, which is in the shared library that the onnxruntime wheel
contains."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from neutone.errors import NativeSessionWarning
from neutone_onnx.runtime import require_runtime

if TYPE_CHECKING:
    from neutone_onnx import _native

NAMES = {"win32": "onnxruntime.dll", "darwin": "libonnxruntime.*dylib"}

_warned = False


class UnusableError(Exception):
    """The C API cannot be used. The message is the end of a sentence that says why."""


class FileState(NamedTuple):
    """The properties of a file that show whether it was changed."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Self:
        stat = path.stat()
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class NativeFile:
    """A model file as it was when it was loaded. It is opened a second time through the C API."""

    path: Path
    threads: int
    state: FileState

    @classmethod
    def of(cls, path: Path, threads: int) -> Self:
        path = path.absolute()
        return cls(path, threads, FileState.of(path))

    def open(self) -> _native.Model:
        """Open the file through the C API. Raises :class:`UnusableError` if that is not possible."""
        library = _library()
        if isinstance(library, str):
            raise UnusableError(library)
        from neutone_onnx import _native

        try:
            if FileState.of(self.path) != self.state:
                raise UnusableError(f"{self.path.name} has changed since it was loaded")
            return _native.Model(library, self.path, self.threads)
        except (OSError, RuntimeError) as error:
            raise UnusableError(f"{self.path.name} does not open a second time: {error}") from error


@cache
def _library() -> _native.Library | str:
    """Return the library, or the reason why there is none. It is loaded once."""
    runtime = require_runtime()
    try:
        path = _find_library(runtime)
    except UnusableError as error:
        return str(error)
    try:
        from neutone_onnx import _native

        return _native.Library(path, runtime.__version__)
    except (ImportError, RuntimeError) as error:
        return f"{path.name} cannot be used: {error}"


def _find_library(runtime: Any) -> Path:
    folder = Path(runtime.__file__).parent / "capi"
    pattern = NAMES.get(sys.platform, "libonnxruntime.so*")
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise UnusableError(f"onnxruntime {runtime.__version__} brings no {pattern}")
    return found[-1]


def warn_once(reason: UnusableError) -> None:
    """Warn, but only once in a process: the reason is mostly the same for all models."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"ONNX models run through Python and so wait for its other threads (the GIL), which live audio may not: "
            f"{reason}",
            NativeSessionWarning,
            stacklevel=3,
        )
