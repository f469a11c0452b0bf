"""Distributions with plug-ins for tests: the examples, really installed, and fake ones that are only metadata."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neutone.plugins import backends
from support.places import EXAMPLES


def install_example(name: str, folder: Path) -> tuple[Path, Path]:
    """Build and install ``examples/NAME`` beneath ``folder``. Returns the folder to put on the path, and a copy of the
    example's source (a copy, because setuptools writes next to what it builds)."""
    source, site = folder / "source", folder / "site"
    shutil.copytree(EXAMPLES / name, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    # If setuptools is installed, it need not be downloaded again.
    offline = ["--no-build-isolation", "--no-index"] if importlib.util.find_spec("setuptools") else []
    run(["-m", "pip", "install", "--quiet", "--no-deps", *offline, "--target", str(site), str(source)], [])
    return site, source


def run(arguments: list[str], path: list[Path], cwd: Path | None = None) -> str:
    """Run another Python with folders at the front of its path, and return what it prints. Fails if that process
    fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, env=environment
    )
    assert done.returncode == 0, f"{arguments} failed\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_own_tests(source: Path, site: Path, *path: Path) -> str:
    """Run the tests that an example brings, against its installation and without this project's pytest settings."""
    options = ["-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    return run(["-m", "pytest", *options, "tests"], [site, *path], cwd=source)


def write_distribution(site: Path, name: str, plugins: dict[str, str], group: str = "neutone.backends") -> None:
    """Write an installed distribution as ``importlib.metadata`` sees it: name, version, entry points."""
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{plugin} = {target}\n" for plugin, target in plugins.items())
    (information / "entry_points.txt").write_text(f"[{group}]\n{lines}")


@contextmanager
def on_path(*folders: Path) -> Iterator[None]:
    """Put folders at the front of this process's path. At the end, what was imported from them is forgotten."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        for folder in folders:
            patch.syspath_prepend(str(folder))
        backends.refresh()
        try:
            yield
        finally:
            for name in set(sys.modules) - before:
                place = getattr(sys.modules[name], "__file__", None) or ""
                if any(Path(place).is_relative_to(folder) for folder in folders):
                    del sys.modules[name]
    importlib.invalidate_caches()
    backends.refresh()
