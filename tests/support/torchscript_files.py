"""Plain TorchScript modules and their files. It imports torch only, because modules that run in a sandbox use it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def save(module: Any, path: Path, metadata: str = "") -> Path:
    """Save the module, scripted if it is not yet, with a metadata.json if it is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = module if isinstance(module, torch.jit.ScriptModule) else torch.jit.script(module)
        torch.jit.save(scripted, str(path), _extra_files={"metadata.json": metadata} if metadata else {})
    return path


class Echo(nn.Module):
    """A mono model that adds half of the sample 16 frames before."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(1, 16))

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.past, x], 1)
        self.past = both[:, -16:].clone()
        return x + 0.5 * both[:, : x.size(1)]
