"""Compare the output of a ``.nm`` file with that of the ONNX file made from it."""

from pathlib import Path
from typing import Any

import numpy as np

from neutone.errors import ModelFileError, first_line
from neutone.plugins import Session
from neutone.plugins.loading import load

CHECKED_BLOCKS = 60
TOLERANCE = 1e-4
"""The largest difference that counts as rounding, relative to the loudest output or to 1, whichever is larger."""
SEED = 0


def compare_blocks(source: Path, target: Path, rate: int, lengths: list[int], *, shift: int = 0) -> float:
    """Return the largest difference between the outputs of two model files over blocks of noise.

    The noise alternates between loud and faint; the parameters move within each block and jump between blocks.

    Args:
        source: A ``.nm`` file.
        target: An ONNX file with the same metadata.
        rate: The sample rate in Hz.
        lengths: The number of frames of each block.
        shift: Added to the random seed, to get different noise.

    Raises:
        neutone.errors.ModelFileError: The difference is more than rounding, or the ONNX file does not run.
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
            largest = float(np.maximum(largest, np.abs(found - expected).max()))  # NaN if any value is NaN
            peak = max(peak, float(np.abs(expected).max()))
    except ModelFileError:
        raise
    except Exception as error:  # the runtime has exception classes of its own
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
    """Run one block, with rows packed as :class:`neutone.plugins.Session` says, and return the output."""
    session.audio_in.reshape(-1)[: window.size] = window.reshape(-1)
    session.params.reshape(-1)[: curves.size] = curves.reshape(-1)
    session.run(frames)
    rows = len(session.audio_out)
    return session.audio_out.reshape(-1)[: rows * frames].reshape(rows, frames).copy()
