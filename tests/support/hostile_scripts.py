"""TorchScript files that do something when they are opened.

What they compute is kept in an attribute: PyTorch leaves out code whose results nobody uses.
"""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from support import torchscript_files


class WritesFile(nn.Module):
    """Maps a file into memory while it is loaded, and overwrites it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.sum = 0

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        memory = torch.from_file(self.path, True, 16, dtype=torch.uint8)
        memory.fill_(66)
        self.sum = int(memory.sum().item())

    def forward(self, x: Tensor) -> Tensor:
        return x


class Loops(nn.Module):
    """Marks a file, if it is given one, and then never ends."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.turns = 0

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        self.turns = 0
        if len(self.path) > 0:
            memory = torch.from_file(self.path, True, 16, dtype=torch.uint8)
            memory.fill_(66)
            self.turns = int(memory[0].item())
        while self.turns >= 0:
            self.turns = (self.turns + 1) % 1000

    def forward(self, x: Tensor) -> Tensor:
        return x


class Allocates(nn.Module):
    """Allocates memory in pieces of 256 MiB."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.taken = 0

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return self.pieces, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.pieces = state[0]
        self.training = state[1]
        taken: list[Tensor] = []
        while self.pieces < 0 or len(taken) < self.pieces:
            taken.append(torch.empty(1 << 28, dtype=torch.uint8))
        self.taken = len(taken)

    def forward(self, x: Tensor) -> Tensor:
        return x


def save(path: Path, module: nn.Module, metadata: str = "") -> Path:
    """Write the module to a file, with a metadata.json if it is given."""
    return torchscript_files.save(module, path, metadata=metadata)


def load(path: str) -> str:
    """Open the file, as somebody who trusts it would."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.load(path)
    return "done"
