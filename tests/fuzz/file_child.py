"""The child process of the file fuzzer: it makes a bad file, opens it in every possible way, and reports the result."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from fuzz.children import serve
from fuzz.findings import Finding

__all__: list[str] = []

MODELS = (".onnx", ".nm", ".ts")
BASES = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def _prepare() -> None:
    """Do in advance, once, what takes time or address space."""
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import soundfile  # noqa: F401
    import torch
    import typer.testing  # noqa: F401

    import fuzz.file_cases
    import fuzz.file_verdict  # noqa: F401
    import neutone

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    _open_model(neutone.default_model())
    _run_command(["info", "amp"])


def _open_model(path: Path) -> None:
    import numpy as np

    import neutone

    model = neutone.load(path)
    with neutone.Engine(model, 48_000, 64, 2) as engine:
        engine.process(np.full((2, 64), 0.25, np.float32))


def _render(path: Path) -> None:
    import neutone
    from neutone.rendering.files import render_file

    render_file(neutone.load(neutone.default_model()), path, "rendered.wav")


def _run_command(arguments: list[str]) -> Any:
    from typer.testing import CliRunner

    from neutone.cli.app import app

    return CliRunner().invoke(app, arguments)


def _judge(path: Path) -> Finding | None:
    from fuzz.file_verdict import MemoryWatch, is_endless, judge_command, judge_error

    watch = MemoryWatch()
    is_model = path.suffix in MODELS
    arguments = ["render", "amp", str(path), "rendered.wav"]
    if is_model:
        arguments = ["info", str(path), *(["--json"] if path.stat().st_size % 2 else [])]
    watch.begin()
    finding = judge_command(arguments, _run_command(arguments)) or watch.judge(f"neutone {arguments[0]}, {path.suffix}")
    if finding is not None or is_endless(path):
        return finding
    what = f"{'loading' if is_model else 'rendering'} {path.suffix}"
    watch.begin()
    try:
        (_open_model if is_model else _render)(path)
    except Exception as error:
        finding = judge_error(error, what)
    return finding or watch.judge(what)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from fuzz.file_cases import make_case

    folder = Path.cwd()
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    if "file" in request:
        path = folder / f"case{Path(request['file']).suffix}"
        shutil.copy(request["file"], path)
    else:
        path = make_case(request["case"], BASES, folder)
    finding = _judge(Path(os.path.relpath(path)))
    return {} if finding is None else {"signature": finding.signature, "text": finding.text}


if __name__ == "__main__":
    serve(_prepare, _answer)
