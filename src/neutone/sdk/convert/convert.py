"""Convert a ``.nm`` file, which is a program, to an ONNX file, which is data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neutone.errors import ConfigurationError, ModelFileError
from neutone.file_replacement import ProtectedFiles, replaced_when_complete
from neutone.plugins.loading import inspect
from neutone.sandbox import Limits, Protections, run_sandboxed
from neutone.sdk.convert.received_onnx import check_contents
from neutone.sdk.convert.script_conversion import ONNX_FILE, ScriptConversion, convert_in_sandbox
from neutone.sdk.export.onnx.graph import require_exporter

TRY = "neutone_onnx.trial:try_file"
MODULES = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class OnnxConversion:
    """The result of a conversion: how the ONNX file can be used, and how exact it is.

    Attributes:
        path: The path of the ONNX file.
        states: The names of the inputs that carry state.
        sample_rate: The only sample rate (Hz) of the result, if the ``.nm`` file permits others; otherwise None.
        block_size: The only block size (frames) of the result, or None if it takes any.
        reason: Why the block size is not open although it is in the ``.nm`` file. Empty if it is open, or was chosen.
        blocks: How many blocks were compared.
        largest_difference: The largest difference between the two files' outputs over these blocks.
        protections: What confined the ``.nm`` file's code, or None if it ran in this process.
    """

    path: Path
    states: tuple[str, ...]
    sample_rate: int | None
    block_size: int | None
    reason: str
    blocks: int
    largest_difference: float
    protections: Protections | None


def convert_to_onnx(
    path: str | Path,
    target: str | Path,
    *,
    sample_rate: int | None = None,
    block_size: int | None = None,
    sandbox: bool = True,
    limits: Limits | None = None,
) -> OnnxConversion:
    """Write the model in a ``.nm`` file as an ONNX file that neutone runs without PyTorch.

    Opening a ``.nm`` file runs its code. This happens in a process without rights, see :mod:`neutone.sandbox`. That
    process follows the model's TorchScript, writes the ONNX graph, and runs 60 blocks or more through both files, with
    moving parameters. Its result is checked before it becomes `target`: the file may only have ONNX's own operators,
    may not refer to other files, must have metadata within the limits, and must load and run in a second such process.

    Args:
        path: The ``.nm`` file.
        target: The ONNX file to write; its name must end in ``.onnx``. It is put in place once it is complete and
            checked, and replaces an older file.
        sample_rate: One of the sample rates (Hz) that the file supports, for a model that adapts to its rate; None for
            the first one.
        block_size: The only block size (frames) of the result. None for any size if the file and the model permit it,
            otherwise for the file's first size, otherwise for 512.
        sandbox: Set it to False to run the file's code in this process, with all its rights. Only for your own files.
        limits: The limits on time, memory and the size of the result.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ConfigurationError: `target` does not end in ``.onnx``, or the file does not support the sample
            rate or block size.
        neutone.errors.ModelFileError: The model cannot be converted (it branches on audio, keeps state in numbers, or
            uses an operator that ONNX does not have), or the result differs from it. The message names the line in
            question.
        neutone.errors.SandboxError: The file's code took too long or too much memory, or tried something forbidden.
        neutone.errors.MissingExtraError: onnx, onnxscript or another package is not installed.
        neutone.errors.OutputFileError: `target` cannot be written.
    """
    source, target = Path(path), Path(target)
    require_exporter()
    if target.suffix.lower() != ".onnx":
        raise ConfigurationError(f"{target} does not end in .onnx")
    if source.suffix.lower() != ".nm":
        raise ConfigurationError(
            f"{source} is not a .nm file, and only those are converted; neutone export makes ONNX from a wrapper"
        )
    if not source.is_file():
        raise FileNotFoundError(f"no model file {source}")
    ProtectedFiles([source]).refuse_as_target(target)
    inspect(source)  # refuse a file that is not .nm before any of it runs
    source = source.resolve()
    arguments = {"source": str(source), "sample_rate": sample_rate, "block_size": block_size}
    protections = None
    if sandbox:
        function = f"{convert_in_sandbox.__module__}:{convert_in_sandbox.__name__}"
        answer = run_sandboxed(function, arguments, readable=[source], modules=MODULES, limits=limits)
        value, files, protections = answer.value, answer.files, answer.protections
    else:
        results = convert_in_sandbox(str(source), sample_rate, block_size)
        value, files = results.value, results.files
    if set(files) != {ONNX_FILE}:
        raise ModelFileError("the conversion did not produce an ONNX file")
    states = check_contents(files[ONNX_FILE])
    report = _report(value)
    with replaced_when_complete(target) as temporary:
        temporary.write_bytes(files[ONNX_FILE])
        if sandbox:
            # Loading a graph takes as much time and memory as its author wants.
            run_sandboxed(TRY, {"path": str(temporary.resolve())}, readable=[temporary], limits=limits)
    return OnnxConversion(
        path=target,
        states=tuple(states),
        sample_rate=report.sample_rate,
        block_size=report.block_size,
        reason=report.reason,
        blocks=report.blocks,
        largest_difference=report.largest_difference,
        protections=protections,
    )


def _report(value: Any) -> ScriptConversion:
    """Return the report of the process. It need not be genuine: the file's code may have taken the process over."""
    try:
        report = ScriptConversion(**value)
    except TypeError:
        raise ModelFileError("the conversion ended without a report") from None
    optional = (report.sample_rate, report.block_size)
    is_sound = (
        all(number is None or type(number) is int for number in optional)
        and type(report.blocks) is int
        and isinstance(report.largest_difference, float)
        and isinstance(report.reason, str)
    )
    if not is_sound:
        raise ModelFileError("the conversion ended without a report")
    return report
