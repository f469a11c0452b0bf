"""Save, load, compile and check models."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neutone.compat.audio import get_default_audio_samples, render_audio_sample
from neutone.compat.metadata import validate_metadata
from neutone.errors import ConfigurationError, ModelFileError, ShapeError
from neutone.file_replacement import replaced_when_complete
from neutone.sdk import (
    SampleQueueWrapper,
    WaveformToWaveformBase,
    load_neutone_model,
    save_neutone_model,
    script,
)
from neutone.sdk.export.nm.freezing import freeze_network
from neutone.sdk.stream.schedule import choose_model_rate

__all__ = [
    "check_for_preserved_attributes",
    "dump_samples_from_metadata",
    "get_default_audio_samples",
    "load_neutone_model",
    "model_to_torchscript",
    "render_audio_sample",
    "save_neutone_model",
    "select_best_model_buffer_size",
    "select_best_model_sr",
    "validate_metadata",
    "validate_waveform",
]


def validate_waveform(x: Tensor, is_mono: bool) -> None:
    """Raise unless a tensor is audio of shape (channels, frames). It can be compiled.

    Args:
        x: The tensor.
        is_mono: Whether one channel is expected, not two.

    Raises:
        neutone.errors.ShapeError: The tensor has another shape.

    >>> validate_waveform(torch.zeros(2, 512), is_mono=False)
    """
    channels = 1 if is_mono else 2
    if x.dim() != 2 or x.size(0) != channels or x.size(1) < channels:
        raise ShapeError(f"audio of shape {x.size()}, expected ({channels}, {channels} or more frames)")


def select_best_model_sr(daw_sr: int, native_sample_rates: list[int]) -> int:
    """Return the rate (Hz) at which a model runs in a host: the host's own if the model supports it or lists none,
    otherwise the next higher one, otherwise the next lower one.

    >>> select_best_model_sr(44_100, [32_000, 48_000])
    48000
    """
    return choose_model_rate(daw_sr, native_sample_rates)


def select_best_model_buffer_size(io_bs: int, native_buffer_sizes: list[int]) -> int:
    """Return the smallest of a model's block sizes (frames) that is not below `io_bs`, otherwise the largest;
    `io_bs` if the model takes any.

    This is the rule of neutone_sdk. neutone itself uses the size with the least latency.

    >>> select_best_model_buffer_size(500, [128, 512, 1024])
    512
    """
    if not native_buffer_sizes:
        return io_bs
    return min([size for size in native_buffer_sizes if size >= io_bs], default=max(native_buffer_sizes))


def model_to_torchscript(
    model: WaveformToWaveformBase | SampleQueueWrapper, freeze: bool = False, optimize: bool = False
) -> torch.jit.ScriptModule:
    """Leave debug mode for good, and return the compiled model.

    Args:
        model: The model, or the wrapper around it.
        freeze: Make the weights of the network constants of its code.
        optimize: Also let PyTorch rewrite the network for this machine's processor.

    Raises:
        neutone.errors.ModelFileError: The network cannot be frozen.
        RuntimeError: PyTorch cannot compile the model.
    """
    model.prepare_for_inference()
    if freeze or optimize:
        freeze_network(model.w2w_base if isinstance(model, SampleQueueWrapper) else model, optimize)
    return script(model)


def check_for_preserved_attributes(script: torch.jit.ScriptModule, preserved_attrs: Sequence[str]) -> None:
    """Raise :class:`~neutone.errors.ModelFileError` unless a compiled module has all attributes of these names."""
    missing = [name for name in preserved_attrs if not hasattr(script, name)]
    if missing:
        raise ModelFileError(f"the compiled model lacks {', '.join(missing)}")


def dump_samples_from_metadata(metadata: Mapping[str, Any], root_dir: str | Path) -> None:
    """Write the sounds in a model's metadata to ``samples/sample_in_0.mp3``, ``samples/sample_out_0.mp3`` and so on.

    Raises:
        neutone.errors.ConfigurationError: The metadata has no sounds.
    """
    pairs = metadata.get("sample_sound_files")
    if not pairs:
        raise ConfigurationError("the metadata has no sample_sound_files: save the model with dump_samples=True")
    folder = Path(root_dir) / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    for index, pair in enumerate(pairs):
        for side, sound in pair.items():
            with replaced_when_complete(folder / f"sample_{side}_{index}.mp3") as temporary:
                temporary.write_bytes(base64.b64decode(sound))
