"""Whether an ONNX file that was made from a ``.nm`` file sounds the same."""

from pathlib import Path
from typing import Any

import numpy as np

from neutone.errors import ModelFileError, first_line
from neutone.plugins import Session
from neutone.plugins.loading import load

CHECKED_BLOCKS = 60
TOLERANCE = 1e-4
"""of the loudest output, at least of 1: a larger difference is a wrong file, not rounding"""
SEED = 0


def compare_blocks(source: Path, target: Path, rate: int, lengths: list[int], *, shift: int = 0) -> float:
    """The largest difference between the outputs of two model files over blocks of noise.

    The noise is now loud, now faint; the parameters move within each block and jump between blocks.

    Args:
        source: a ``.nm`` file.
        target: an ONNX file with the same metadata.
        rate: Hz.
        lengths: frames of each block.
        shift: of the seed, to hear other noise.

    Raises:
        neutone.errors.ModelFileError: the difference is more than rounding, or the ONNX file does not run.
    """
    rng = np.random.default_rng(SEED + shift)
    reference = load(source).prepare(rate, max(lengths))
    try:
        session = load(target, backend="onnx").prepare(rate, max(lengths))
        largest, peak = 0.0, 1.0
        history = np.zeros((len(session.audio_in), session.audio_in.shape[1] - max(lengths)), np.float32)
        ends = rng.random((len(session.params), 1))
        for frames in lengths:
            audio = rng.uniform(-1.0, 1.0, (len(history), frames)) * 10.0 ** rng.uniform(-3.0, 0.0)
            window = np.concatenate([history, audio.astype(np.float32)], axis=1)
            history = window[:, window.shape[1] - history.shape[1] :]
            starts = rng.random(ends.shape) if rng.random() < 0.3 else ends
            ends = rng.random(ends.shape)
            curves = (starts + (ends - starts) * np.linspace(0.0, 1.0, frames)).astype(np.float32)
            expected, found = (_run(each, window, curves, frames) for each in (reference, session))
            largest = float(np.maximum(largest, np.abs(found - expected).max()))  # NaN if one is
            peak = max(peak, float(np.abs(expected).max()))
    except ModelFileError:
        raise
    except Exception as error:  # the runtime's own classes
        reason = first_line(error, 300)
        raise ModelFileError(
            f"the converted model does not run on blocks of {min(lengths)} to {max(lengths)} frames: {reason}"
        ) from error
    finally:
        reference.close()
    if not largest <= TOLERANCE * peak:
        raise ModelFileError(
            f"the converted model differs from the file by {largest:.2g} over {len(lengths)} blocks: it may draw "
            f"random numbers, depend on the block size, or take another branch for other audio"
        )
    return largest


def _run(session: Session, window: Any, curves: Any, frames: int) -> Any:
    """One block, rows packed as :class:`neutone.plugins.Session` says."""
    session.audio_in.reshape(-1)[: window.size] = window.reshape(-1)
    session.params.reshape(-1)[: curves.size] = curves.reshape(-1)
    session.run(frames)
    rows = len(session.audio_out)
    return session.audio_out.reshape(-1)[: rows * frames].reshape(rows, frames).copy()
