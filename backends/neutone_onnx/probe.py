"""Files without neutone's metadata: their output is found out by running them once on silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neutone.errors import ModelFileError
from neutone.model.metadata import ModelMetadata
from neutone_onnx.layout import Layout, PlainShapes, check_channels

if TYPE_CHECKING:
    import onnxruntime

PROBE_FRAMES = 512


def probe_layout(inference: onnxruntime.InferenceSession, shapes: PlainShapes, path: Path) -> Layout:
    """Return the layout of a graph with these shapes.

    Raises :class:`~neutone.errors.ModelFileError` if it does not run, or does not return audio.
    """
    frames = PROBE_FRAMES if shapes.block_size is None else shapes.block_size
    fed: dict[str, Any] = {shapes.audio_in: np.zeros((*shapes.leading, frames), np.float32)}
    fed.update({s.input_name: np.zeros(s.shape, s.element_type) for s in shapes.states if not s.has_initializer})
    try:
        (out,) = inference.run([shapes.audio_out], fed)
    except Exception as error:  # the runtime's exception classes have no other base class in common
        raise ModelFileError(f"{path} does not run on {frames} frames: {error}") from error
    if (
        out.dtype != np.float32
        or out.ndim not in (2, 3)
        or out.shape[-1] != frames
        or (out.ndim == 3 and out.shape[0] != 1)
    ):
        raise ModelFileError(
            f"{path}, given {frames} frames, returns {out.dtype} {out.shape}, expected float32 of as many frames"
        )
    check_channels(out.shape[:-1], 0, path)
    return Layout(shapes.audio_in, shapes.leading, shapes.audio_out, tuple(out.shape[:-1]), None, shapes.states)


def plain_metadata(
    path: Path, sample_rate: int | None, block_size: int | None, input_channels: int, output_channels: int | None
) -> ModelMetadata:
    """Return what is known about such a file, in the form of metadata."""
    return ModelMetadata(
        model_name=path.stem[:30],
        native_sample_rates=[] if sample_rate is None else [sample_rate],
        native_buffer_sizes=[] if block_size is None else [block_size],
        is_input_mono=input_channels == 1,
        is_output_mono=output_channels == 1,
    )
