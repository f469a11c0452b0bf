"""The command line as tests call it, in this process or one of its own, and the audio files that they give it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from typer.testing import CliRunner, Result

from neutone.cli.app import app

PLAIN_ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with both streams piped."""
    return subprocess.run(
        [sys.executable, "-m", "neutone.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**PLAIN_ENVIRONMENT, **environment},
    )


def assert_one_line(result: Result | subprocess.CompletedProcess[str], *words: str) -> None:
    code = result.exit_code if isinstance(result, Result) else result.returncode
    assert code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("neutone: ")
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def write_noise(path: Path, frames: int = 6000, channels: int = 1, rate: int = 48_000, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = np.random.default_rng(seed).uniform(-0.3, 0.3, (frames, channels)).astype(np.float32)
    container = {".wav": "FLOAT"}.get(path.suffix.lower())
    soundfile.write(path, audio, rate, subtype=container)
    return path


def read(path: Path) -> Any:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T
