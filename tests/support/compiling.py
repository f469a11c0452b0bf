"""Small C libraries that tests call."""

import subprocess
from pathlib import Path

import pytest


def compiled(source: str, path: Path) -> Path:
    """A shared library at `path`; the test is skipped where there is no C compiler."""
    try:
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-pthread", "-xc", "-", "-o", str(path)], input=source.encode(), check=True
        )
    except FileNotFoundError:
        pytest.skip("there is no C compiler")
    return path
