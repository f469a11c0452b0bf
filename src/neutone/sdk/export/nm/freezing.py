"""Freezing: make a network's weights constants of its code, so that PyTorch can fold and fuse them."""

import io
from typing import cast

import torch
from torch import nn

from neutone.errors import ModelFileError
from neutone.sdk.export.scripting import load_script, quiet_torchscript, save_script
from neutone.sdk.wrap.waveform import WaveformToWaveformBase


def freeze_network(wrapper: WaveformToWaveformBase, optimize: bool) -> None:
    """Replace ``wrapper.model`` by its compiled and frozen form. Its state remains state.

    Only the network is frozen, with ``forward`` as its only method. The wrapper and the queues around it get new sample
    rates and block sizes while they run, and PyTorch cannot freeze attributes that are assigned to.

    Args:
        wrapper: The wrapper, which is changed in place.
        optimize: Also let PyTorch rewrite the network for this machine's processor.

    Raises:
        neutone.errors.ModelFileError: The network cannot be compiled or frozen by itself.
    """
    try:
        with quiet_torchscript(), torch.no_grad():
            scripted = torch.jit.script(wrapper.model.eval())
            frozen = torch.jit.optimize_for_inference(scripted) if optimize else torch.jit.freeze(scripted)
        # Only a module that was loaded from a file can be compiled into another module.
        file = io.BytesIO()
        save_script(frozen, file)
        file.seek(0)
        wrapper.model = cast(nn.Module, load_script(file)[0])
    except Exception as error:  # RuntimeError, and whatever else the compiler's passes raise
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelFileError(
            f"{type(wrapper).__name__}.model, a {type(wrapper.model).__name__}, cannot be frozen by itself: leave out "
            f"freeze=True and optimize=True; PyTorch says: {reason}"
        ) from error
