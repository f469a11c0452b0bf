"""PyTorch, imported on first use."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from neutone.errors import MissingExtraError, ModelFileError, first_line
from neutone.installing import install_command
from neutone.model.archive import METADATA_FILE, check_archive

if TYPE_CHECKING:
    import torch


def require_torch() -> Any:
    """Return the module torch, or raise an error that says what to install."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            f"TorchScript models need PyTorch, which is not installed: {install_command('neutone[torch]')}"
        ) from error
    return torch


def open_archive(path: Path) -> tuple[torch.jit.ScriptModule, bytes]:
    """Return the module of a TorchScript archive, on the CPU and in eval mode, and its metadata.json (empty if it has
    none).

    The sizes in the archive are checked first. Then PyTorch opens it, which runs code from it (``__setstate__``).
    Raises :class:`~neutone.errors.ModelFileError` if the file is not such an archive.
    """
    torch = require_torch()
    check_archive(path)
    extra: dict[str, Any] = {METADATA_FILE: ""}
    try:
        with _without_deprecations():
            module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
    except Exception as error:  # RuntimeError, ValueError and others, depending on what is wrong with the file
        raise ModelFileError(
            f"{path} is not a TorchScript archive (torch.jit.save makes one; torch.save keeps weights without their "
            f"code): {first_line(error)}"
        ) from error
    metadata = extra[METADATA_FILE]
    return module.eval(), metadata if isinstance(metadata, bytes) else metadata.encode()


def copy_module(module: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    """Return a copy of a module with its own weights, buffers and attributes. The code is shared, including what the
    TorchScript executor has learnt from running another copy."""
    with _without_deprecations():
        return copy.deepcopy(module)


@contextmanager
def _without_deprecations() -> Iterator[None]:
    """Silence PyTorch's warnings that torch.jit will end: whoever loads a file cannot act on them."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):  # FutureWarning from PyTorch 2.14 on
            warnings.filterwarnings("ignore", message=r".*torch\.jit", category=category)
        yield


class Inference:
    """During the ``with`` block, the calling thread records no gradients, and PyTorch uses `threads` threads.

    The thread count belongs to the process, so it is restored afterwards; that takes a microsecond or two, and only if
    the two counts differ. More than one thread slows small blocks down, and on a busy machine, waiting for the other
    threads takes milliseconds.
    """

    __slots__ = ("_before", "_mode", "_threads", "_torch")

    def __init__(self, torch: Any, threads: int) -> None:
        self._torch = torch
        self._threads = threads
        self._mode = torch.inference_mode()

    def __enter__(self) -> None:
        self._before = cast(int, self._torch.get_num_threads())
        if self._before != self._threads:
            self._torch.set_num_threads(self._threads)
        self._mode.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mode.__exit__(kind, error, trace)
        if self._before != self._threads:
            self._torch.set_num_threads(self._before)
