"""A trial run of a model before it is exported: what it returns, and what it keeps."""

import torch
from torch import Tensor, nn

from neutone.errors import InferenceError, ModelFileError, NeutoneError, in_words
from neutone.sdk.export.state import plain_state, plain_tensors
from neutone.sdk.wrap.initial_state import TRIAL_BLOCKS, TYPICAL_FRAMES, TYPICAL_RATE
from neutone.sdk.wrap.waveform import WaveformToWaveformBase


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


def try_model(model: WaveformToWaveformBase, *, may_keep_views: bool = False) -> str:
    """Run a few blocks of noise in debug mode, so that errors in the model itself are not blamed on the file.

    Args:
        model: The model, which must not be used afterwards.
        may_keep_views: Whether a buffer may be a view of the input.

    Returns:
        Where the model keeps state outside of registered buffers, as a sentence; empty if it does not.

    Raises:
        neutone.errors.ModelFileError: The model raises an error, returns NaN or infinities, or keeps a view of its
            input.
        neutone.errors.NeutoneError: The model returns something else than it should; the message says what.
    """
    try:
        return _try(model, may_keep_views)
    except InferenceError as error:
        raise ModelFileError(f"{error}: are its weights finite?") from error
    except NeutoneError:
        raise
    except Exception as error:  # anything that the model raises
        raise ModelFileError(f"{type(model).__name__} does not run: {in_words(error)}") from error


def _try(model: WaveformToWaveformBase, may_keep_views: bool) -> str:
    model.eval()
    model.use_debug_mode = True
    rate = (model.get_native_sample_rates() or [TYPICAL_RATE])[0]
    frames = (model.get_native_buffer_sizes() or [TYPICAL_FRAMES])[0]
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # leave the caller's random state as it is
        model.set_sample_rate_and_buffer_size(rate, frames)
        model.reset()
        before = plain_tensors(model)
        for _ in range(TRIAL_BLOCKS):
            audio = torch.rand(model.in_n_ch, frames, generator=noise) - 0.5
            params = model.get_default_param_values().repeat(1, frames)
            model.forward(audio, params)
        if not may_keep_views:
            model.use_debug_mode = False  # which gives the model a copy of its input
            model.forward(audio, params)
            refuse_kept_views(model, audio, params)
        return plain_state(model, before)
