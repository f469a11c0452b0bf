"""From a wrapped model to an ONNX file that needs no PyTorch."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import neutone
from neutone.errors import ModelFileError
from neutone.file_replacement import replaced_when_complete
from neutone.plugins import Session
from neutone.sdk.onnx_graph import OnnxGraph, require_exporter
from neutone.sdk.waveform import WaveformToWaveformBase

__all__ = ["OnnxExport", "export_onnx"]

CHECKED_BLOCKS = 50
TYPICAL_RATE = 48_000
TYPICAL_FRAMES = 64
TOLERANCE = 1e-3
"""a larger difference is a wrong file, not rounding"""


@dataclass(frozen=True)
class OnnxExport:
    """What was written, and how true it is."""

    path: Path
    states: tuple[str, ...]
    """the inputs that carry state"""
    takes_any_block: bool
    """whether the number of frames is left open in the file"""
    largest_difference: float
    """between the file and the PyTorch model over 50 blocks of noise; NaN where it was not run"""


def export_onnx(model: WaveformToWaveformBase, path: str | Path, *, check: bool = True) -> OnnxExport:
    """Write a wrapped model as ONNX: inputs ``audio`` (C_in, N_LB + N), ``params`` (P, N) in 0..1 and ``state.NAME``,
    outputs ``audio_out`` (C_out, N) and ``next_state.NAME``, its metadata beside them.

    Every registered buffer that a block changes becomes state. N stays open where the model takes several block sizes.
    The file is then run beside the model over 50 blocks, of several sizes where it takes them.

    Args:
        model: it is left as it was.
        path: ends in ``.onnx``; the file appears when it is complete and checked.
        check: False: do not run the file.

    Raises:
        neutone.errors.ModelFileError: the model cannot be exported, or the file differs from it; the message names the
            operator or attribute at fault.
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
    graph = OnnxGraph(copy.deepcopy(model), rate, frames)
    keep_open = len(sizes) != 1
    proto = graph.to_proto(keep_open=keep_open)
    with replaced_when_complete(path) as temporary:
        onnx.save(proto, temporary)
        difference = _compare(temporary, copy.deepcopy(model), rate, sizes) if check else float("nan")
        if difference > TOLERANCE:
            raise ModelFileError(
                f"the ONNX file of {graph.name} differs from the model by {difference:.2g} over {CHECKED_BLOCKS} "
                f"blocks: does it depend on the block size, or on state that is no buffer?"
            )
    names = tuple(graph.state_name(index) for index in range(len(graph.states)))
    return OnnxExport(path, names, keep_open, difference)


def _compare(path: Path, model: WaveformToWaveformBase, rate: int, sizes: list[int]) -> float:
    """The largest difference between the file and the model over blocks of noise with wandering parameters."""
    model.prepare_for_inference()
    rng = np.random.default_rng(0)
    lengths = [sizes[0]] * CHECKED_BLOCKS if sizes else [int(n) for n in rng.integers(2, 400, CHECKED_BLOCKS)]
    largest = max(lengths)
    session = neutone.load(path, backend="onnx").prepare(rate, largest)
    look_behind = session.audio_in.shape[1] - largest
    history = np.zeros((len(session.audio_in), look_behind), np.float32)
    difference = 0.0
    with torch.no_grad():
        model.set_sample_rate_and_buffer_size(rate, largest)
        model.reset()
        for frames in lengths:
            audio = rng.uniform(-0.5, 0.5, (len(history), frames)).astype(np.float32)
            units = np.zeros((model.max_parameters, frames), np.float32)
            units[: len(session.params)] = rng.random((len(session.params), 1))
            window = np.concatenate([history, audio], axis=1)
            history = window[:, window.shape[1] - look_behind :]
            answer = _run(session, window, units[: len(session.params)], frames)
            expected = model.forward(torch.from_numpy(audio), torch.from_numpy(units)).numpy()
            difference = max(difference, float(np.abs(answer - expected).max()))
    return difference


def _run(
    session: Session, window: np.ndarray[tuple[int, int], np.dtype[np.float32]], params: np.ndarray, frames: int
) -> np.ndarray:
    """One block of a session, rows packed as :class:`neutone.plugins.Session` says."""
    session.audio_in.reshape(-1)[: window.size] = window.reshape(-1)
    session.params.reshape(-1)[: params.size] = params.reshape(-1)
    session.run(frames)
    rows = len(session.audio_out)
    return session.audio_out.reshape(-1)[: rows * frames].reshape(rows, frames)
