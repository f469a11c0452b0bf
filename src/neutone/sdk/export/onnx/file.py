"""Export a wrapped model to an ONNX file that needs no PyTorch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neutone.checks.in_engine import check_in_engine
from neutone.errors import ConfigurationError, ModelFileError, in_words
from neutone.file_replacement import replaced_when_complete
from neutone.model.check_result import CheckResult
from neutone.plugins import ExportReport, Session, backends
from neutone.plugins.loading import load
from neutone.sdk.export.copying import independent_copy
from neutone.sdk.export.onnx.graph import ExporterError, OnnxGraph, StreamFunction, metadata_at, require_exporter
from neutone.sdk.export.onnx.script_graph import ScriptGraph
from neutone.sdk.export.scripting import script
from neutone.sdk.export.signatures import complete_signatures
from neutone.sdk.export.trial_run import try_model
from neutone.sdk.export.verdict import SAME, judge, warn_of_failures
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

CHECKED_BLOCKS = 50
TYPICAL_RATE = 48_000
TYPICAL_FRAMES = 64
HOST_BLOCK = 512
LONGEST = 400
TOLERANCE = 1e-3
"""The largest difference that counts as rounding; a larger one means a wrong file."""


@dataclass(frozen=True)
class OnnxExport(ExportReport):
    """The result of an export: how the file can be used, and how exact it is.

    Attributes:
        path, metadata, checks, hosts, summary: As in :class:`~neutone.plugins.ExportReport`.
        states: The names of the inputs that carry state.
        takes_any_block: Whether the file takes any block size.
        largest_difference: The largest difference from the PyTorch model over 50 blocks of noise; NaN if the file was
            not run.
    """

    states: tuple[str, ...] = ()
    takes_any_block: bool = False
    largest_difference: float = float("nan")


def export_onnx(
    model: WaveformToWaveformBase, path: str | Path, *, check: bool = True, strict: bool = False
) -> OnnxExport:
    """Write a wrapped model as ONNX.

    The file has the inputs ``audio`` (C_in, N_LB + N), ``params`` (P, N) in 0..1 and ``state.NAME``, and the outputs
    ``audio_out`` (C_out, N) and ``next_state.NAME``. It also holds the model's metadata.

    Every registered buffer that a block changes becomes state. N stays open if the model takes several block sizes. The
    file is then compared with the model over 50 blocks, of several sizes if it takes them, and played in an engine: a
    reset leaves no trace of earlier audio, and the reported delay is the measured one. A failure of these two may be
    intended: an echo without its dry sound looks like a delay.

    Args:
        model: The model to export. It is not modified.
        path: The file to write; its name must end in ``.onnx``. It is put in place once it is complete and checked.
        check: Set it to False to skip running the file.
        strict: Treat every check as mandatory.

    Raises:
        neutone.errors.ModelFileError: The model cannot be exported, the file differs from it, or a mandatory check
            failed. The message names the operator or attribute in question.
        neutone.errors.MissingExtraError: onnx, onnxscript or another package is not installed.

    Warns:
        neutone.errors.ModelCheckWarning: A check failed that is not mandatory.

    >>> import tempfile
    >>> from neutone import ModelMetadata
    >>> class Half(WaveformToWaveformBase):
    ...     metadata = ModelMetadata(model_name="half")
    ...
    ...     def do_forward_pass(self, x, params):
    ...         return x / 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(Half(), folder + "/half.onnx").takes_any_block
    True
    """
    path = Path(path)
    onnx = require_exporter()
    rate = (model.get_native_sample_rates() or [TYPICAL_RATE])[0]
    sizes = list(model.get_native_buffer_sizes())
    frames = sizes[0] if sizes else TYPICAL_FRAMES
    if path.suffix.lower() != ".onnx":
        raise ConfigurationError(f"{path} does not end in .onnx")
    name = type(model).__name__
    try_model(independent_copy(model), may_keep_views=True)  # state that is a view becomes an output of its own
    keep_open = len(sizes) != 1
    graph, proto = _graph_of(model, rate, frames, keep_open)
    with replaced_when_complete(path) as temporary:
        onnx.save(proto, temporary)
        difference = float("nan")
        checks = list(backends.get("onnx")().check(temporary))
        if check:
            difference = _compare(temporary, model, rate, sizes, graph)
            detail = f"the file and the model in memory: largest difference {difference:.1e}"
            checks.append(CheckResult(SAME, True, detail))
            checks += check_in_engine(load(temporary, backend="onnx"), rate, HOST_BLOCK)
            judge(name, checks, strict=strict)
    warn_of_failures(name, checks, stacklevel=2)
    names = tuple(graph.state_name(index) for index in range(len(graph.states)))
    return OnnxExport(
        path,
        graph.metadata.to_json_dict(),
        tuple(checks),
        summary=f"{'any block size' if keep_open else 'one block size'}, {len(names)} states",
        states=names,
        takes_any_block=keep_open,
        largest_difference=difference,
    )


def _graph_of(model: WaveformToWaveformBase, rate: int, frames: int, keep_open: bool) -> tuple[StreamFunction, Any]:
    """Return a model as a function and as ONNX. The exporter follows its Python code; what it cannot follow there, such
    as compiled modules, or state in tuples, it follows in the model's TorchScript."""
    try:
        with complete_signatures(own := independent_copy(model)):
            graph: StreamFunction = OnnxGraph(own, rate, frames)
            return graph, graph.to_proto(keep_open=keep_open)
    except ModelFileError as error:
        own = independent_copy(model)
        metadata = metadata_at(independent_copy(model), rate, frames)
        try:
            scripted = script(own)
        except Exception:  # the model need not be written for TorchScript
            raise error from None
        try:
            graph = ScriptGraph(scripted, metadata, rate, frames)
            return graph, graph.to_proto(keep_open=keep_open)
        except ExporterError:
            raise error from None
        except ModelFileError as second:
            raise ModelFileError(f"{type(model).__name__} cannot be exported to ONNX: {second}") from error


def _compare(path: Path, model: WaveformToWaveformBase, rate: int, sizes: list[int], graph: StreamFunction) -> float:
    """Return the largest difference between the file and the model, at each block size that the model lists, or over
    many sizes if it lists none.

    Raises:
        neutone.errors.ModelFileError: The difference is more than rounding, or NaN.
    """
    rng = np.random.default_rng(0)
    largest = 0.0
    runs = [[size] * max(4, CHECKED_BLOCKS // len(sizes)) for size in sizes]
    for lengths in runs or [[int(n) for n in rng.integers(2, 400, CHECKED_BLOCKS)]]:
        reference = independent_copy(model)
        reference.prepare_for_inference()
        with torch.no_grad():
            reference.set_sample_rate_and_buffer_size(rate, max(lengths))
            reference.reset()
            if int(reference.calc_model_delay_samples()) != graph.delay:
                raise ModelFileError(
                    f"the delay of {graph.name} depends on its block size, but an ONNX file can state only one: "
                    f"list one size in get_native_buffer_sizes()"
                )
            try:
                session = load(path, backend="onnx").prepare(rate, max(lengths))
                difference = _largest_difference(session, reference, lengths, rng, graph)
            except Exception as error:  # the runtime's own classes, and whatever the model raises
                reason = in_words(error).replace(str(path), "it")[:LONGEST]
                hint = "" if sizes else "; if it needs certain sizes, list them in get_native_buffer_sizes()"
                blocks = f"{min(lengths)} to {max(lengths)}" if len(set(lengths)) > 1 else f"{lengths[0]}"
                raise ModelFileError(
                    f"the ONNX file of {graph.name} does not run on blocks of {blocks} frames ({reason}){hint}"
                ) from error
        if not difference <= TOLERANCE:  # NaN too
            raise ModelFileError(
                f"the ONNX file of {graph.name} differs from the model by {difference:.2g} over {len(lengths)} blocks: "
                f"are its weights finite? Does it depend on the block size, draw random numbers, or keep state that is "
                f"not a buffer?"
            )
        largest = max(largest, difference)
    return largest


def _largest_difference(
    session: Session,
    model: WaveformToWaveformBase,
    lengths: list[int],
    rng: np.random.Generator,
    graph: StreamFunction,
) -> float:
    look_behind = graph.look_behind
    history = np.zeros((len(session.audio_in), look_behind), np.float32)
    differences = []
    for frames in lengths:
        audio = rng.uniform(-0.5, 0.5, (len(history), frames)).astype(np.float32)
        units = np.zeros((model.max_parameters, frames), np.float32)
        units[graph.metadata.parameter_rows] = rng.random((len(session.params), 1))
        window = np.concatenate([history, audio], axis=1)
        history = window[:, window.shape[1] - look_behind :]
        answer = _run(session, window, units[graph.metadata.parameter_rows], frames)
        expected = model.forward(torch.from_numpy(audio), torch.from_numpy(units)).numpy()
        differences.append(np.abs(answer - expected).max())
    return float(np.max(differences))  # NaN if any of them is NaN


def _run(
    session: Session, window: np.ndarray[tuple[int, int], np.dtype[np.float32]], params: np.ndarray, frames: int
) -> np.ndarray:
    """Run one block of a session, with rows packed as :class:`neutone.plugins.Session` says, and return the output."""
    session.audio_in.reshape(-1)[: window.size] = window.reshape(-1)
    session.params.reshape(-1)[: params.size] = params.reshape(-1)
    session.run(frames)
    rows = len(session.audio_out)
    return session.audio_out.reshape(-1)[: rows * frames].reshape(rows, frames)
