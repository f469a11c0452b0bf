"""TorchScript without deprecation warnings: compile a module, write it to a file, and read it back.

PyTorch warns at each of these calls that ``torch.jit`` will be replaced one day. Hosts of ``.nm`` files read
TorchScript, so whoever exports a model cannot act on that. These helpers silence exactly those warnings and no others.

>>> import io, torch
>>> scripted = script(torch.nn.Identity())
>>> file = io.BytesIO()
>>> save_script(scripted, file, {"metadata.json": b"{}"})
>>> _ = file.seek(0)
>>> module, files = load_script(file, ["metadata.json"])
>>> files
{'metadata.json': b'{}'}
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import nn

from neutone.sdk.export.signatures import complete_signatures


@contextmanager
def quiet_torchscript() -> Iterator[None]:
    """Silence the deprecation warnings of ``torch.jit`` during the ``with`` block. Other warnings are still shown."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):  # FutureWarning from PyTorch 2.14 on
            warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=category)
        yield


def script(module: nn.Module) -> torch.jit.ScriptModule:
    """Compile a module with everything in it, for hosts without Python.

    If a module has ``prepare_for_inference()``, as all models and wrappers of this package do, it is called: the module
    leaves training and debug mode for good. Types that a wrapper leaves out of ``do_forward_pass`` and of the other
    methods that its base class declares are supplied.

    Raises:
        RuntimeError: PyTorch cannot compile the module. Its message has the line in question.
    """
    prepare = cast(Callable[[], None] | None, getattr(module, "prepare_for_inference", None))
    if prepare is not None:
        prepare()
    with quiet_torchscript(), complete_signatures(module):
        return cast(torch.jit.ScriptModule, torch.jit.script(module))


def save_script(
    scripted: torch.jit.ScriptModule, file: str | Path | IO[bytes], extra_files: Mapping[str, bytes | str] | None = None
) -> None:
    """Write a scripted module to a path or an open file. `extra_files` are put into the archive under their names."""
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in (extra_files or {}).items()}
    with quiet_torchscript():
        torch.jit.save(scripted, file, _extra_files=contents)


def load_script(
    file: str | Path | IO[bytes], extra_files: Iterable[str] = ()
) -> tuple[torch.jit.ScriptModule, dict[str, bytes]]:
    """Read a scripted module onto the CPU. Returns it with the contents of the files in `extra_files`;
    those that are not in the archive are empty."""
    contents: dict[str, Any] = dict.fromkeys(extra_files, "")
    with quiet_torchscript():
        module = torch.jit.load(file, map_location="cpu", _extra_files=contents)  # type: ignore[no-untyped-call]
    return module, {name: text.encode() if isinstance(text, str) else text for name, text in contents.items()}
