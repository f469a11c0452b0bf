"""The checks of ``neutone validate``: first the file, then the model in an engine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neutone.checks.delay import compare_delay
from neutone.checks.timing import time_blocks
from neutone.cli.errors import explain
from neutone.engine.engine import Engine
from neutone.errors import ConfigurationError, NeutoneError, UntrustedFileError
from neutone.model.check_result import CheckResult
from neutone.plugins import Model
from neutone.plugins.loading import load

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_file", "check_file_as_data", "require_model_file"]

Array = NDArray[np.float32]

HOSTS = ((44_100, 512), (48_000, 64), (48_000, 441), (96_000, 256))
"""(Hz, frames)"""
SUFFIXES = (".nm", ".onnx")
MODEL_BLOCKS = 6
LEAST_SECONDS = 0.5
LEVEL = 0.25
TOLERANCE = 1e-5


def check_file(file: str | Path, seconds: float, trust: bool = False) -> list[CheckResult]:
    """Everything that can be told of a ``.nm`` or ``.onnx`` file; `seconds` (s) of timing for each host. `trust` as in
    :func:`neutone.load`.

    Raises:
        FileNotFoundError: there is no such file.
        neutone.errors.ConfigurationError: it is neither.
        neutone.errors.MissingExtraError: its runtime is not installed.
        neutone.errors.UntrustedFileError: it was fetched, and is not trusted.
    """
    path = require_model_file(file)
    try:
        return _check_model(path, load(path, trust=trust), seconds)
    except (ImportError, UntrustedFileError):  # which say nothing of the file
        raise
    except NeutoneError as error:
        return [CheckResult("loads", False, explain(error))]


def require_model_file(file: str | Path) -> Path:
    """A path that :func:`check_file` takes; else it raises, as that does."""
    path = Path(file)
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{path} is no model file that can be checked, expected {' or '.join(SUFFIXES)}")
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    return path


def _check_model(path: Path, model: Model, seconds: float) -> list[CheckResult]:
    checks = [CheckResult("loads", True, f"{model.metadata.model_name!r}, {model.metadata.model_type}")]
    checks += _check_archive(path) if path.suffix.lower() == ".nm" else _check_graph(path)
    for sample_rate, block_size in HOSTS:
        checks += _check_in_host(model, sample_rate, block_size, seconds)
    return checks


def check_file_as_data(file: str, seconds: float) -> list[dict[str, Any]]:
    """:func:`check_file` for :func:`neutone.sandbox.run_sandboxed`. A file that does not load is an error, so that the
    sandbox can tell one that is damaged from one that tried something."""
    path = Path(file)
    return [asdict(check) for check in _check_model(path, load(path), seconds)]


# -- the file ----------------------------------------------------------------------------------------------------------


def _check_archive(path: Path) -> Iterator[CheckResult]:
    """A ``.nm`` file as hosts use it that know nothing of neutone."""
    from neutone.sdk.export.checks import ExportChecks
    from neutone.sdk.export.save import load_neutone_model

    checks = ExportChecks(lambda: load_neutone_model(path)[0])
    yield checks.metadata(load_neutone_model(path)[1])
    preserved = checks.preserved_attributes()
    yield preserved
    if preserved.failed:
        return
    for name, check in (
        ("reset", checks.reset),
        ("delay", checks.delay),
        ("offline equals online", checks.offline_equals_online),
    ):
        try:
            yield check()
        except Exception as error:  # torch.jit.Error and whatever the module raises
            yield CheckResult(name, False, explain(error))


def _check_graph(path: Path) -> Iterator[CheckResult]:
    """What only neutone's layout of an ONNX file has. That its inputs and outputs fit was seen by loading it."""
    from neutone_onnx.interface import interface_of_file

    interface = interface_of_file(path)
    inputs = [entry.name for entry in interface.inputs]
    outputs = [entry.name for entry in interface.outputs]
    if interface.metadata is None:
        yield CheckResult("metadata", False, "none under the key 'neutone': rates, blocks and parameters are unknown")
    else:
        yield CheckResult("metadata", True, "within its limits")
    yield CheckResult("inputs and outputs", True, f"{', '.join(inputs)} -> {', '.join(outputs)}")


# -- the model ---------------------------------------------------------------------------------------------------------


def _check_in_host(model: Model, sample_rate: int, block_size: int, seconds: float) -> Iterator[CheckResult]:
    host = f"{sample_rate}/{block_size}"
    try:
        noise = _noise(model, sample_rate, block_size)
        with Engine(model, sample_rate, block_size, len(noise)) as engine:
            engine.wet, engine.dry = 1.0, 0.0
            first = _play(engine, noise)
            yield _check_run(f"{host} runs", engine, first)
            delay = engine.latency.total
            engine.reset()
            again = _play(engine, noise)
        difference = float(np.abs(again - first).max())
        found = f"the same audio after a reset: largest difference {difference:.1e}"
        yield CheckResult(f"{host} reset", difference <= TOLERANCE, found)
        yield compare_delay(f"{host} delay", noise[0], first, delay, sample_rate)
        timing = time_blocks(model, noise, sample_rate, block_size, seconds)
        found = f"RTF {timing.rtf:.4f}, {timing.median_us:.0f} us a block (99 %: {timing.p99_us:.0f})"
        yield CheckResult(f"{host} speed", timing.rtf < 1.0, found)
    except Exception as error:  # InferenceError, ModelFileError, and whatever a backend lets through
        yield CheckResult(f"{host} runs", False, explain(error))


def _noise(model: Model, sample_rate: int, block_size: int) -> Array:
    """The same on all channels, some of the model's blocks long."""
    metadata = model.metadata
    longest = max([*metadata.native_buffer_sizes, 1]) / min([*metadata.native_sample_rates, sample_rate])
    frames = int(sample_rate * max(LEAST_SECONDS, MODEL_BLOCKS * longest))
    blocks = -(-frames // block_size)
    noise = np.random.default_rng(0).uniform(-LEVEL, LEVEL, (1, blocks * block_size)).astype(np.float32)
    return np.repeat(noise, max(model.input_channels, model.output_channels), axis=0)


def _play(engine: Engine, audio: Array) -> Array:
    size = engine.block_size
    return np.concatenate(
        [engine.process(audio[:, start : start + size].copy()) for start in range(0, audio.shape[1], size)], axis=1
    )


def _check_run(name: str, engine: Engine, out: Array) -> CheckResult:
    stats = engine.stats
    complaints = [
        f"{count} {what}"
        for what, count in (
            ("frames were not there in time", stats.starved_frames),
            ("blocks failed", stats.failed_blocks),
            ("samples were NaN or infinite", stats.nonfinite_output),
        )
        if count
    ]
    peak = float(np.abs(out).max())
    if complaints:
        return CheckResult(name, False, ", ".join(complaints))
    model_block = engine.model_block_size or "any"
    return CheckResult(name, True, f"model at {engine.model_sample_rate}/{model_block}, peak {peak:.2f}")
