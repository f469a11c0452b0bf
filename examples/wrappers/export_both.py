"""What the ``main()`` of every example calls: write the model to a folder in both formats, and print the results."""

from __future__ import annotations

import sys
from pathlib import Path

from neutone.sdk import WaveformToWaveformBase, export_onnx, save_neutone_model

__all__ = ["export_both"]


def export_both(model: WaveformToWaveformBase) -> None:
    """Write ``model.nm`` and ``model.onnx`` to the folder given on the command line."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(sys.argv[0]).name} FOLDER")
    folder = Path(sys.argv[1])

    save_neutone_model(model, folder, speed_benchmark=False)
    print(f"{folder / 'model.nm'}: {model.get_model_name()}, TorchScript, {size(folder / 'model.nm')}")

    onnx = export_onnx(model, folder / "model.onnx")
    blocks = "any block size" if onnx.takes_any_block else f"blocks of {model.get_native_buffer_sizes()[0]} frames"
    print(f"{onnx.path}: ONNX, {size(onnx.path)}, {blocks}, state: {', '.join(onnx.states) or 'none'}")
    print(f"ONNX differs from PyTorch by at most {onnx.largest_difference:.1e} over 50 blocks")


def size(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.0f} kB"
