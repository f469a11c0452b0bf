"""Sounds, and a model's output for them."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neutone._core import Resampler
from neutone.compat.not_yet import refuse_missing
from neutone.errors import ConfigurationError, ShapeError
from neutone.limits import HOST_PARAMETERS
from neutone.sdk import (
    AudioSample,
    AudioSamplePair,
    SampleQueueWrapper,
    WaveformToWaveformBase,
    default_audio_samples,
)
from neutone.sdk.export.copying import independent_copy

__all__ = [
    "AudioSample",
    "AudioSamplePair",
    "RenderedSample",
    "get_default_audio_samples",
    "render_audio_sample",
    "run_inference_realtime",
    "write_mp3",
]

BLOCK = 2048
TAPS = 128


class RenderedSample(AudioSample):
    """A model's output. It is also a sequence of itself alone, because neutone_sdk returns a sample up to version 1.4
    and a list of samples from 1.5 on."""

    def __getitem__(self, index: int) -> AudioSample:
        return (self,)[index]

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[AudioSample]:
        return iter((self,))


def get_default_audio_samples() -> list[AudioSample]:
    """Return the sounds that come with neutone."""
    return default_audio_samples()


def render_audio_sample(
    model: Any,
    input_sample: AudioSample,
    params: Tensor | None = None,
    text_params: list[str] | None = None,
    tokens_params: list[list[int]] | None = None,
    output_sr: int = 44_100,
) -> RenderedSample:
    """Return a model's output for a sound, without delay.

    Args:
        model: A wrapped model, a ``SampleQueueWrapper``, or what ``load_neutone_model`` returns.
        input_sample: The sound. The model is run in a host at its rate.
        params: The parameters in 0..1, of shape (4,) or (4, frames); None for the defaults.
        text_params: None; models with texts do not run in real time.
        tokens_params: None, likewise.
        output_sr: The sample rate of the result in Hz.

    Raises:
        neutone.errors.ConfigurationError: `model` is no real-time model, or texts or tokens are given.
        neutone.errors.ShapeError: `params` has another shape.

    >>> from neutone import ModelMetadata
    >>> class Half(WaveformToWaveformBase):
    ...     metadata = ModelMetadata(model_name="Half")
    ...
    ...     def do_forward_pass(self, x, params):
    ...         return x / 2
    >>> sound = render_audio_sample(Half(), AudioSample(torch.ones(1, 4800), 48_000))
    >>> sound.sr, sound.audio.shape
    (44100, torch.Size([2, 4410]))
    """
    if text_params or tokens_params:
        raise ConfigurationError("text_params and tokens_params are for models that do not run in real time")
    return run_inference_realtime(model, input_sample, input_sample.sr, BLOCK, params, output_sr)


def run_inference_realtime(
    model: Any,
    input_sample: AudioSample,
    preferred_sr: int,
    buffer_size: int,
    params: Tensor | None = None,
    output_sr: int = 44_100,
) -> RenderedSample:
    """Do what :func:`render_audio_sample` does, in a host at ``preferred_sr`` Hz with blocks of ``buffer_size``
    frames."""
    wrapper = _host_side(model)
    sound = _resampled(input_sample, preferred_sr)
    channels = 1 if wrapper.is_input_mono() and wrapper.is_output_mono() else 2
    audio = sound.audio.detach().to(torch.float32)
    if audio.size(0) != channels:
        audio = audio.mean(dim=0, keepdim=True) if channels == 1 else audio.repeat(2, 1)
    with torch.no_grad():
        wrapper.set_daw_sample_rate_and_buffer_size(preferred_sr, buffer_size)
        rendered = wrapper.forward_offline(audio, _curves(params, audio.size(1)))
        wrapper.reset()
    output = _resampled(AudioSample(rendered.clone(), preferred_sr), output_sr)
    return RenderedSample(output.audio, output.sr)


def write_mp3(buffer: BytesIO, y: Tensor, sr: int, quality: float = 0) -> None:
    """Write a sound of shape (1 or 2 channels, frames) to a buffer as MP3. ``quality`` has no effect."""
    buffer.write(AudioSample(torch.as_tensor(y), sr).to_mp3_bytes())


def _host_side(model: Any) -> Any:
    """Return what hosts call: the model itself, or a wrapper around a copy of it."""
    if not isinstance(model, WaveformToWaveformBase):
        if not hasattr(model, "forward_offline"):
            raise ConfigurationError(f"model is a {type(model).__name__}, expected a model that runs in real time")
        return model
    return SampleQueueWrapper(independent_copy(model))


def _curves(params: Tensor | None, frames: int) -> Tensor | None:
    if params is None:
        return None
    values = params.detach().to(torch.float32)
    values = values.reshape(-1, 1) if values.dim() == 1 else values
    if values.dim() != 2 or values.size(0) != HOST_PARAMETERS or values.size(1) not in (1, frames):
        raise ShapeError(
            f"params of shape {tuple(params.shape)}, expected ({HOST_PARAMETERS},) or ({HOST_PARAMETERS}, {frames})"
        )
    return values.expand(-1, frames).contiguous()


def _resampled(sample: AudioSample, rate: int) -> AudioSample:
    if rate == sample.sr:
        return sample
    audio = sample.audio.detach().to(torch.float32).contiguous().numpy()
    resampler = Resampler(sample.sr, rate, taps=TAPS, channels=len(audio))
    return AudioSample(
        torch.from_numpy(resampler.process(np.pad(audio, ((0, 0), (0, resampler.lookahead))))).clone(), rate
    )


__getattr__ = refuse_missing(__name__)
