"""Good files of every format, from which bad ones are made: ``python -m fuzz.base_files FOLDER``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor, nn

import neutone
from fuzz.mutate_zip import bomb
from support import onnx_models
from support.peer_files import NAMES, peer_file
from support.torchscript_files import Echo, save

__all__: list[str] = []

BOMB_SIZES = (64 << 20, 1 << 30)
RATE, FRAMES = 44_100, 3000


class Convolution(nn.Module):
    """A module with weights that needs a batch axis."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv1d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x))


class Shouter(nn.Module):
    """A module whose error is a long text with control characters for terminals."""

    def __init__(self) -> None:
        super().__init__()
        self.text = "\x1b[2J\u202e" + "no " * 5000

    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() < 1.0):
            raise ValueError(self.text)
        return x


def _write_models(folder: Path) -> None:
    shutil.copy(neutone.default_model(), folder / "amp.onnx")
    onnx_models.accumulator(folder / "accumulator.onnx")
    onnx_models.accumulator(folder / "block.onnx", block=64)
    onnx_models.plain(folder / "plain.onnx", [2, "N"])
    onnx_models.with_state(folder / "look_behind.onnx", onnx_models.TensorProto.INT64, start=1, look_behind=5)
    for name in NAMES:
        peer_file(name, folder)
    for name, module in (("echo", Echo()), ("convolution", Convolution()), ("shouter", Shouter())):
        save(module.eval(), folder / f"{name}.ts")


def _write_audio(folder: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (FRAMES, 2))
    kinds = (("pcm16.wav", "PCM_16"), ("float.wav", "FLOAT"), ("pcm24.flac", "PCM_24"), ("pcm16.aiff", "PCM_16"))
    for name, subtype in (*kinds, ("float.aiff", "FLOAT")):
        soundfile.write(folder / name, noise, RATE, subtype=subtype)
    soundfile.write(folder / "mono.flac", noise[:, 0], RATE, subtype="PCM_16")


def main() -> None:
    """Write the files. They are the same every time, except for what torch writes into its archives."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    _write_models(folder)
    _write_audio(folder)
    for size in BOMB_SIZES:
        (folder / f"{size}.bomb").write_bytes(bomb(size))


if __name__ == "__main__":
    main()
