"""ONNX Runtime, imported on first use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.errors import MissingExtraError, ModelFileError, first_line
from neutone.installing import install_command

if TYPE_CHECKING:
    import onnxruntime

FATAL = 4
"""The runtime's log level for fatal errors only: its other messages are in the exceptions that it raises."""

PREAMBLE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed: ?)?")
"""What the runtime's messages begin with; the path in it may be longer than the reason after it."""


def require_runtime() -> Any:
    """Return the module onnxruntime, or raise an error that says what to install."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            f"ONNX models need ONNX Runtime, which is not installed: {install_command('neutone[onnx]')}"
        ) from error
    onnxruntime.set_default_logger_severity(FATAL)
    return onnxruntime


def open_session(path: Path, threads: int, *, optimize: bool = True) -> onnxruntime.InferenceSession:
    """Open a session on the CPU. One thread is the fastest for blocks of audio, and the only number with steady timing.

    Without `optimize`, no part of the graph is computed in advance.
    """
    runtime = require_runtime()
    options = runtime.SessionOptions()
    if not optimize:
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = FATAL
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exception classes have no other base class in common
        reason = PREAMBLE.sub("", first_line(error))
        raise ModelFileError(f"{path} is not a model that ONNX Runtime can run: {reason}") from error
