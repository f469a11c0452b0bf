"""The checks of ``neutone validate``: first of the file, then of the model in an engine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.checks.in_engine import check_block_sizes, check_in_engine, noise_for
from neutone.checks.timing import time_blocks
from neutone.errors import ConfigurationError, NeutoneError, UntrustedFileError, in_words
from neutone.model.check_result import CheckResult
from neutone.plugins import Backend, Model, backends
from neutone.plugins.loading import load

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ((44_100, 512), (48_000, 64), (48_000, 441), (96_000, 256))
"""The hosts that a model is tried in, as (sample rate in Hz, block size in frames)."""


def check_file(file: str | Path, seconds: float, trust: bool = False) -> list[CheckResult]:
    """Run all checks on a model file. The speed is measured for `seconds` in each host. `trust` is as in
    :func:`neutone.load`.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ConfigurationError: No installed backend claims the file's suffix.
        neutone.errors.MissingExtraError: The backend's runtime is not installed.
        neutone.errors.UntrustedFileError: The file was fetched, and is not trusted.
    """
    path, name, backend = require_model_file(file)
    try:
        return _check_model(path, backend, load(path, backend=name, trust=trust), seconds)
    except (ImportError, UntrustedFileError):  # these say nothing about the file
        raise
    except NeutoneError as error:
        return [CheckResult("loads", False, in_words(error))]


def require_model_file(file: str | Path) -> tuple[Path, str, Backend]:
    """Return a path that :func:`check_file` accepts, and its backend's name and instance.
    Raises the same errors if it does not accept it."""
    path = Path(file)
    suffix = path.suffix.lower()
    takers = [(name, plugin) for name, plugin in backends.all() if suffix in plugin.suffixes]
    if not takers:
        known = sorted({suffix for _, plugin in backends.all() for suffix in plugin.suffixes})
        raise ConfigurationError(f"{path} is not a model file that can be checked, expected one of {', '.join(known)}")
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    name, plugin = takers[0]
    return path, name, plugin()


def _check_model(path: Path, backend: Backend, model: Model, seconds: float) -> list[CheckResult]:
    checks = [CheckResult("loads", True, f"{model.metadata.model_name!r}, {model.metadata.model_type}")]
    if odd := model.metadata.oddities:
        checks.append(CheckResult("metadata as read", None, f"{'; '.join(odd)}"))
    checks += _check_format(path, backend)
    with suppress(Exception):  # the checks in hosts report it
        checks += check_block_sizes(model)
    for sample_rate, block_size in HOSTS:
        checks += _check_in_host(model, sample_rate, block_size, seconds)
    return checks


def _check_format(path: Path, backend: Backend) -> Iterator[CheckResult]:
    """What the backend checks. Whatever it raises is a check that failed, and hides no other."""
    try:
        for check in backend.check(path):
            if not isinstance(check, CheckResult):
                raise TypeError(f"check yielded a {type(check).__name__}, expected a CheckResult")
            yield check
    except Exception as error:
        yield CheckResult(f"{type(backend).__name__}.check", False, in_words(error))


def check_file_as_data(file: str, seconds: float) -> list[dict[str, Any]]:
    """Run :func:`check_file` inside :func:`neutone.sandbox.run_sandboxed`, and return plain data.

    A file that does not load raises, so that the sandbox can tell a damaged file from one that tried something
    forbidden."""
    path, name, backend = require_model_file(file)
    return [asdict(check) for check in _check_model(path, backend, load(path, backend=name), seconds)]


def _check_in_host(model: Model, sample_rate: int, block_size: int, seconds: float) -> Iterator[CheckResult]:
    host = f"{sample_rate}/{block_size}"
    try:
        yield from check_in_engine(model, sample_rate, block_size, f"{host} ")
        timing = time_blocks(model, noise_for(model, sample_rate, block_size), sample_rate, block_size, seconds)
        found = f"RTF {timing.rtf:.4f}, {timing.median_us:.0f} us per block (99 %: {timing.p99_us:.0f})"
        yield CheckResult(f"{host} speed", timing.rtf < 1.0, found)
    except Exception as error:  # InferenceError, ModelFileError, or anything that a backend does not catch
        yield CheckResult(f"{host} runs", False, in_words(error))
