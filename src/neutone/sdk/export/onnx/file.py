"""Export a wrapped model to an ONNX file that needs no PyTorch."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neutone.errors import ConfigurationError, ModelFileError, first_line
from neutone.file_replacement import replaced_when_complete
from neutone.model.check_result import CheckResult
from neutone.plugins import ExportReport, Session, backends
from neutone.plugins.loading import load
from neutone.sdk.export.onnx.graph import OnnxGraph, require_exporter
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

CHECKED_BLOCKS = 50
TYPICAL_RATE = 48_000
TYPICAL_FRAMES = 64
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


def export_onnx(model: WaveformToWaveformBase, path: str | Path, *, check: bool = True) -> OnnxExport:
    """Write a wrapped model as ONNX.

    The file has the inputs ``audio`` (C_in, N_LB + N), ``params`` (P, N) in 0..1 and ``state.NAME``, and the outputs
    ``audio_out`` (C_out, N) and ``next_state.NAME``. It also holds the model's metadata.

    Every registered buffer that a block changes becomes state. N stays open if the model takes several block sizes. The
    file is then compared with the model over 50 blocks, of several sizes if it takes them.

    Args:
        model: The model to export. It is not modified.
        path: The file to write; its name must end in ``.onnx``. It is put in place once it is complete and checked.
        check: Set it to False to skip running the file.

    Raises:
        neutone.errors.ModelFileError: The model cannot be exported, or the file differs from it. The message names the
            operator or attribute in question.
        neutone.errors.MissingExtraError: ``pip install "neutone[export]"`` is needed.

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
    graph = OnnxGraph(_copy_of(model), rate, frames)
    keep_open = len(sizes) != 1
    proto = graph.to_proto(keep_open=keep_open)
    with replaced_when_complete(path) as temporary:
        onnx.save(proto, temporary)
        difference = float("nan")
        checks = list(backends.get("onnx")().check(temporary))
        if check:
            difference = _compare(temporary, model, rate, sizes, graph)
            detail = f"the file and the model in memory: largest difference {difference:.1e}"
            checks.append(CheckResult("saved equals in-memory", True, detail))
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


def _copy_of(model: WaveformToWaveformBase) -> WaveformToWaveformBase:
    try:
        return copy.deepcopy(model)
    except RuntimeError as error:
        raise ModelFileError(
            f"{type(model).__name__} cannot be copied ({first_line(error)}): to remove a "
            f"torch.nn.utils.weight_norm from it, use remove_weight_norm"
        ) from error


def _compare(path: Path, model: WaveformToWaveformBase, rate: int, sizes: list[int], graph: OnnxGraph) -> float:
    """Return the largest difference between the file and the model, at each block size that the model lists, or over
    many sizes if it lists none.

    Raises:
        neutone.errors.ModelFileError: The difference is more than rounding, or NaN.
    """
    rng = np.random.default_rng(0)
    largest = 0.0
    runs = [[size] * max(4, CHECKED_BLOCKS // len(sizes)) for size in sizes]
    for lengths in runs or [[int(n) for n in rng.integers(2, 400, CHECKED_BLOCKS)]]:
        reference = _copy_of(model)
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
                raise ModelFileError(
                    f"the ONNX file of {graph.name} does not run on blocks of {min(lengths)} to {max(lengths)} frames "
                    f"({first_line(error, 200)}); if it needs certain sizes, list them in "
                    f"get_native_buffer_sizes()"
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
    graph: OnnxGraph,
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
