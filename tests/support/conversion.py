"""Conversions of ``.nm`` files in this process, without a sandbox, and comparisons of their results."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

import neutone
from neutone.sdk import OnnxConversion, convert_to_onnx


def convert_here(source: Path, **options: Any) -> OnnxConversion:
    """Convert without a sandbox: these files are our own, and PyTorch is already loaded."""
    return convert_to_onnx(source, source.with_suffix(".onnx"), sandbox=False, **options)


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def assert_sounds_the_same(source: Path, result: OnnxConversion, blocks: tuple[int, ...] = (32, 129, 512)) -> None:
    """Compare independently of the converter: whole signals through engines, in blocks of several sizes."""
    original, converted = neutone.load(source), neutone.load(result.path)
    rng = np.random.default_rng(7)
    audio = rng.uniform(-0.5, 0.5, (1, 6000)).astype(np.float32)
    names = [parameter.name for parameter in original.metadata.parameters]
    assert [parameter.name for parameter in converted.metadata.parameters] == names
    curves = rng.random((len(names), audio.shape[1])).astype(np.float32)
    for block in blocks:
        outs = [
            neutone.render(model, audio, 48_000, params=curves if names else None, block_size=block)
            for model in (original, converted)
        ]
        np.testing.assert_allclose(outs[1], outs[0], atol=1e-4)
        assert np.abs(outs[0]).max() > 0.01


def source_for(folder: Path) -> Path:
    """Return a file of which only the metadata is read."""
    with zipfile.ZipFile(folder / "m.nm", "w") as archive:
        archive.writestr("m/extra/metadata.json", '{"model_name": "m"}')
    return folder / "m.nm"
