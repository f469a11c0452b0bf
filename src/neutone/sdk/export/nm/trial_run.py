"""A trial run of a model before it is saved: what it returns, and what it keeps."""

import torch
from torch import Tensor, nn

from neutone.errors import ModelFileError
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

TYPICAL_RATE = 48_000
TYPICAL_FRAMES = 512
TRIAL_BLOCKS = 3


def refuse_kept_views(model: nn.Module, *inputs: Tensor) -> None:
    """Check after a block that no buffer is a view of the input. Hosts reuse the input's memory, so such state would
    change with it.

    Raises:
        neutone.errors.ModelFileError: A buffer shares memory with an input of that block.
    """
    places = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    for name, buffer in model.named_buffers():
        if buffer.numel() and buffer.untyped_storage().data_ptr() in places:
            raise ModelFileError(
                f"{type(model).__name__} keeps a view of its input in the buffer {name!r}, and hosts write the next "
                f"block to the same memory: keep a copy, such as x[:, -1:].clone()"
            )


def try_model(model: WaveformToWaveformBase) -> None:
    """Run a few blocks of noise. The model must not be used afterwards.

    Raises:
        neutone.errors.ModelFileError: The model returns NaN or infinities, or keeps a view of its input.
    """
    rate = (model.get_native_sample_rates() or [TYPICAL_RATE])[0]
    frames = (model.get_native_buffer_sizes() or [TYPICAL_FRAMES])[0]
    channels = 1 if model.is_input_mono() else 2
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # leave the caller's random state as it is
        model.set_sample_rate_and_buffer_size(rate, frames)
        model.reset()
        for _ in range(TRIAL_BLOCKS):
            audio = torch.rand(channels, frames, generator=noise) - 0.5
            params = model.get_default_param_values().repeat(1, frames)
            answer = model.forward(audio, params)
            if not bool(torch.isfinite(answer).all()):
                raise ModelFileError(
                    f"{type(model).__name__} returns NaN or infinities for noise: are its weights finite?"
                )
            refuse_kept_views(model, audio, params)
