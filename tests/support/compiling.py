"""Small C libraries that tests call."""

import subprocess
from pathlib import Path

import pytest


def compiled(source: str, path: Path, *options: str) -> Path:
    """A shared library at `path`; the test is skipped where there is no C compiler."""
    command = ["cc", "-shared", "-fPIC", "-pthread", *options, "-xc", "-", "-o", str(path)]
    try:
        subprocess.run(command, input=source.encode(), check=True)
    except FileNotFoundError:
        pytest.skip("there is no C compiler")
    return path
