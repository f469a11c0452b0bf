"""Distributions with plug-ins for tests: the examples, really installed, and fake ones that are metadata alone."""

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
    """Build and install ``examples/NAME`` beneath ``folder``. Answers (what to put on the path, a copy of its source:
    setuptools writes beside what it builds)."""
    source, site = folder / "source", folder / "site"
    shutil.copytree(EXAMPLES / name, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    # setuptools that is there already saves the download of another.
    offline = ["--no-build-isolation", "--no-index"] if importlib.util.find_spec("setuptools") else []
    run(["-m", "pip", "install", "--quiet", "--no-deps", *offline, "--target", str(site), str(source)], [])
    return site, source


def run(arguments: list[str], path: list[Path], cwd: Path | None = None) -> str:
    """What another Python, with folders before all others on its path, prints; fails where it does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, env=environment
    )
    assert done.returncode == 0, f"{arguments} failed\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_own_tests(source: Path, site: Path, *path: Path) -> str:
    """The tests that an example brings, against its installation, away from this project's pytest settings."""
    options = ["-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    return run(["-m", "pytest", *options, "tests"], [site, *path], cwd=source)


def write_distribution(site: Path, name: str, plugins: dict[str, str], group: str = "neutone.backends") -> None:
    """An installed distribution as ``importlib.metadata`` sees it: name, version, entry points."""
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{plugin} = {target}\n" for plugin, target in plugins.items())
    (information / "entry_points.txt").write_text(f"[{group}]\n{lines}")


@contextmanager
def on_path(*folders: Path) -> Iterator[None]:
    """Folders before all others on this process's path; what was imported from them is forgotten at the end."""
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
