"""TorchScript modules without metadata. Their channels are found out by running them on silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.errors import ModelFileError, first_line
from neutone.model.metadata import ModelMetadata
from neutone_torch.runtime import copy_module, require_torch
from neutone_torch.torchscript.program import Program

if TYPE_CHECKING:
    import torch

PROBE_SIZES = (512, 509)
"""The block sizes that are tried, in frames.
A module that takes any block takes both; one with a size of its own, or that needs a multiple of one, does not."""


def read_plain(
    module: torch.jit.ScriptModule,
    path: Path,
    sample_rate: int | None = None,
    block_size: int | None = None,
    channels: int | None = None,
) -> Program:
    """Find out how to run a module that turns audio into audio.

    Args:
        module: The archive's module.
        path: The path of the file, for messages and the model's name.
        sample_rate: The sample rate (Hz) that the module was made for; None for any.
        block_size: The only block size (frames) that the module takes; None for any.
        channels: The number of channels that the module takes; None for 2 if it runs on two, otherwise 1. (A module
            that runs on both treats channels alike, so with two a stereo signal stays stereo.)

    Raises:
        neutone.errors.ModelFileError: The module does not run on such audio.
    """
    metadata = plain_metadata(path, sample_rate, block_size)
    counts = (2, 1) if channels is None else (channels,)
    sizes = PROBE_SIZES if block_size is None else (block_size,)
    failures = []
    for leading in [(count,) for count in counts] + [(1, count) for count in counts]:
        try:
            output_leading = _probe(module, leading, sizes[0])
        except _ProbeError as failure:
            failures.append(str(failure))
            continue
        for size in sizes[1:]:
            try:
                _probe(module, leading, size)
            except _ProbeError as failure:
                raise ModelFileError(
                    f"{path} takes {sizes[0]} frames but not any number ({failure}): give the option block_size"
                ) from failure
        mono = {"is_input_mono": leading[-1] == 1, "is_output_mono": output_leading[-1] == 1}
        return Program(module, metadata.model_copy(update=mono), leading, output_leading, None)
    raise ModelFileError(
        f"{path} has no metadata and does not run on silence, expected float32 (C, N) -> (C, N) or (1, C, N) -> "
        f"(1, C, N), with the options channels and block_size if it needs them: {'; '.join(failures)}"
    )


def plain_metadata(path: Path, sample_rate: int | None, block_size: int | None) -> ModelMetadata:
    """Return what is known about such a file before it runs, in the form of metadata."""
    return ModelMetadata(
        model_name=path.stem[:30],
        native_sample_rates=[] if sample_rate is None else [sample_rate],
        native_buffer_sizes=[] if block_size is None else [block_size],
    )


class _ProbeError(Exception):
    """The module does not take such audio, or does not return audio."""


def _probe(module: torch.jit.ScriptModule, leading: tuple[int, ...], frames: int) -> tuple[int, ...]:
    """Run a copy of the module once, because it may keep state.
    Returns the shape of the output without the time axis."""
    torch = require_torch()
    shape = (*leading, frames)
    scratch: Any = copy_module(module)
    try:
        out = scratch(torch.zeros(shape))
    except Exception as error:  # torch.jit.Error, RuntimeError, or anything that the module raises
        raise _ProbeError(f"{shape}: {first_line(error)}") from error
    if not isinstance(out, torch.Tensor):
        raise _ProbeError(f"{shape}: it returns a {type(out).__name__}, not a tensor")
    if (
        not out.is_floating_point()
        or out.ndim != len(shape)
        or out.shape[-1] != frames
        or out.shape[-2] < 1
        or (out.ndim == 3 and out.shape[0] != 1)
    ):
        raise _ProbeError(f"{shape}: it returns {out.dtype} {tuple(out.shape)}")
    return tuple(out.shape[:-1])
