"""The checks of ``neutone validate``: first of the file, then of the model in an engine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neutone.checks.in_engine import check_block_sizes, check_in_engine, noise_for
from neutone.checks.timing import time_blocks
from neutone.engine.chain import Chain
from neutone.errors import ConfigurationError, NeutoneError, UnknownPluginError, UntrustedFileError, in_words
from neutone.model.check_result import CheckResult
from neutone.plugins import Backend, Model, backends
from neutone.plugins.loading import backend_name, load, models_in, named_file, names_a_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOSTS = ((44_100, 512), (48_000, 64), (48_000, 441), (96_000, 256))
"""The hosts that a model is tried in, as (sample rate in Hz, block size in frames)."""


def check_file(
    file: str | Path, seconds: float, trust: bool = False, *, backend: str | None = None, **options: Any
) -> list[CheckResult]:
    """Run all checks on a model. The speed is measured for `seconds` in each host.

    `file`, `trust`, `backend` and `options` are as in :func:`neutone.load`. `file` may also name several models in a
    row, such as ``"amp+other.onnx"``: then each file is checked, and the models are run as a chain.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ConfigurationError: No installed backend claims the file's suffix, or an option is not valid.
        neutone.errors.MissingExtraError: The backend's runtime is not installed.
        neutone.errors.UntrustedFileError: The file was fetched, and is not trusted.
    """
    names = models_in(file) if isinstance(file, str) else [file]
    sources = [require_model_file(name, backend) for name in names]
    try:
        models = [load(str(source.path), backend=source.name, trust=trust, **options) for source in sources]
    except (ImportError, UntrustedFileError, ConfigurationError, FileNotFoundError):  # these say nothing about the file
        raise
    except NeutoneError as error:
        return [CheckResult("loads", False, in_words(error))]
    return _check_models(sources, models, seconds)


class ModelSource(NamedTuple):
    """A model file, or the name of a class, and the backend that opens it."""

    path: Path
    name: str
    backend: Backend


def require_model_file(file: str | Path, backend: str | None = None) -> ModelSource:
    """Return a source that :func:`check_file` accepts.
    Raises the same errors if it does not accept it."""
    path = Path(named_file(file))
    if names_a_class(path):
        name = backend or "python"
        return ModelSource(path, name, backends.get(name)())
    try:
        name = backend_name(path, backend)
    except UnknownPluginError as error:
        raise ConfigurationError(f"{path} is not a model that can be checked: {error}") from None
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    return ModelSource(path, name, backends.get(name)())


def _check_models(sources: Sequence[ModelSource], models: Sequence[Model], seconds: float) -> list[CheckResult]:
    checks: list[CheckResult] = []
    for source, model in zip(sources, models, strict=True):
        place = "" if len(models) == 1 else f"{source.path.name}: "
        checks.append(CheckResult(f"{place}loads", True, f"{model.metadata.model_name!r}, {model.metadata.model_type}"))
        if odd := model.metadata.oddities:
            checks.append(CheckResult(f"{place}metadata as read", None, "; ".join(odd)))
        checks += [replace(check, name=f"{place}{check.name}") for check in _check_format(source.path, source.backend)]
    model = models[0] if len(models) == 1 else Chain(models)
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


def check_file_as_data(
    file: str, seconds: float, backend: str | None = None, options: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run :func:`check_file` inside :func:`neutone.sandbox.run_sandboxed`, and return plain data.

    A file that does not load raises, so that the sandbox can tell a damaged file from one that tried something
    forbidden."""
    source = require_model_file(file, backend)
    model = load(source.path, backend=source.name, **(options or {}))
    return [asdict(check) for check in _check_models([source], [model], seconds)]


def _check_in_host(model: Model, sample_rate: int, block_size: int, seconds: float) -> Iterator[CheckResult]:
    host = f"{sample_rate}/{block_size}"
    try:
        yield from check_in_engine(model, sample_rate, block_size, f"{host} ")
        timing = time_blocks(model, noise_for(model, sample_rate, block_size), sample_rate, block_size, seconds)
        found = f"RTF {timing.rtf:.4f}, {timing.median_us:.0f} us per block (99 %: {timing.p99_us:.0f})"
        yield CheckResult(f"{host} speed", timing.rtf < 1.0, found)
    except Exception as error:  # InferenceError, ModelFileError, or anything that a backend does not catch
        yield CheckResult(f"{host} runs", False, in_words(error))
