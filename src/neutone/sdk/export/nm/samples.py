"""The sounds inside an exported model: inputs, and the model's outputs for them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neutone.errors import ConfigurationError
from neutone.plugins.loading import ASSETS
from neutone.sdk.export.nm.audio_sample import AudioSample, AudioSamplePair
from neutone.sdk.export.one_thread import one_thread

BLOCK = 2048
MOST_SAMPLES = 3


def default_audio_samples() -> list[AudioSample]:
    """Return the sounds that are used if the author gives none: the guitar phrase that comes with neutone."""
    return [AudioSample.from_file(ASSETS / "phrase.flac")]


def render_sample(wrapper: Any, sample: AudioSample, params: Tensor | None = None) -> AudioSample:
    """Return a model's output for a sample, at the sample's rate and with the delay compensated.

    Args:
        wrapper: A ``SampleQueueWrapper``, scripted or not. Its rate, block size and state are changed.
        sample: The input. Mono becomes stereo if the model's input or output is stereo.
        params: The parameters, of shape (4, frames) in 0..1; None for the defaults.
    """
    channels = 1 if wrapper.is_input_mono() and wrapper.is_output_mono() else 2
    audio = sample.audio
    if audio.size(0) != channels:
        audio = audio.mean(dim=0, keepdim=True) if channels == 1 else audio.repeat(2, 1)
    with torch.no_grad(), one_thread():
        wrapper.set_daw_sample_rate_and_buffer_size(sample.sr, BLOCK)
        rendered = wrapper.forward_offline(audio, params)
        wrapper.reset()
    return AudioSample(rendered.clone(), sample.sr)


def make_sample_pairs(
    wrapper: Any, pairs: Sequence[AudioSamplePair] | None, wanted: bool, most: int
) -> list[AudioSamplePair]:
    """Return the author's pairs, at most `most` of them. If there are none but some are wanted, run the default sounds
    through the model.

    Raises:
        neutone.errors.ConfigurationError: `most` is not 0..3.
    """
    if not 0 <= most <= MOST_SAMPLES:
        raise ConfigurationError(f"max_n_samples is {most}, expected 0 to {MOST_SAMPLES}: hosts read no more")
    if pairs is not None:
        return list(pairs)[:most]
    if not wanted:
        return []
    return [AudioSamplePair(sample, render_sample(wrapper, sample)) for sample in default_audio_samples()[:most]]
