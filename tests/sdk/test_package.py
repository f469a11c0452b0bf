"""The package around the SDK: what imports torch, files inside TorchScript archives, and which warnings are
silenced."""

from __future__ import annotations

import io
import warnings

import pytest
import torch
from torch import nn

from neutone.sdk import load_script, quiet_torchscript, save_script, script
from neutone_torch.runtime import _without_deprecations
from support.described_wrappers import Bare
from support.processes import run_python


def test_neutone_itself_does_without_torch() -> None:
    assert run_python("import neutone, sys; print('torch' in sys.modules)") == "False"


def test_without_torch_the_extra_is_named() -> None:
    message = run_python(
        "import sys; sys.modules['torch'] = None\n"
        "import neutone.errors\n"
        "try:\n    import neutone.sdk\n"
        "except neutone.errors.MissingExtraError as error:\n    print(error)"
    )
    assert 'pip install "torch>=2.4"' in message


def test_files_inside_a_script() -> None:
    file = io.BytesIO()
    save_script(script(Bare()), file, {"metadata.json": "{}"})
    file.seek(0)
    module, files = load_script(file, ["metadata.json", "missing"])
    assert files == {"metadata.json": b"{}", "missing": b""}
    assert module.realtime is True


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])  # before PyTorch 2.14, and from then on
def test_the_announcements_of_torchscript_are_silenced(category: type[Warning]) -> None:
    for quiet in (quiet_torchscript, _without_deprecations):
        with quiet():
            warnings.warn("`torch.jit.load` is deprecated. Please switch to `torch.export`.", category, stacklevel=1)
        with pytest.warns(category, match="another"), quiet():
            warnings.warn("another", category, stacklevel=1)


def test_only_the_announcements_of_torchscript_are_silenced() -> None:
    class Loud(Bare):
        def prepare_for_inference(self) -> None:
            super().prepare_for_inference()
            torch.jit.script(nn.Identity())

    with pytest.raises((DeprecationWarning, FutureWarning), match=r"torch\.jit\.script"):
        script(Loud())
