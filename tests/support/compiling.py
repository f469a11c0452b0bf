"""Small C libraries that tests call."""

import subprocess
from pathlib import Path

import pytest


def compiled(source: str, path: Path, *options: str) -> Path:
    """Compile C code to a shared library at `path`. If there is no C compiler, the test is skipped."""
    command = ["cc", "-shared", "-fPIC", "-pthread", *options, "-xc", "-", "-o", str(path)]
    try:
        subprocess.run(command, input=source.encode(), check=True)
    except FileNotFoundError:
        pytest.skip("there is no C compiler")
    return path
