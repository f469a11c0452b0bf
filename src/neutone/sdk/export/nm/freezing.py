"""Freezing: a network's weights become constants of its code, for PyTorch to fold and fuse."""

import io
from typing import cast

import torch
from torch import nn

from neutone.errors import ModelFileError
from neutone.sdk.export.nm.scripting import load_script, quiet_torchscript, save_script
from neutone.sdk.wrap.waveform import WaveformToWaveformBase


def freeze_network(wrapper: WaveformToWaveformBase, optimize: bool) -> None:
    """Put a compiled and frozen network in the place of ``wrapper.model``. Its state stays state.

    The wrapper itself, and the queues around it, are told another rate or block size while they run. PyTorch cannot
    freeze what is assigned to, so only the network is frozen, with ``forward`` as its only method.

    Args:
        wrapper: changed in place.
        optimize: let PyTorch rewrite the network for this machine's processor as well.

    Raises:
        neutone.errors.ModelFileError: the network cannot be compiled or frozen by itself.
    """
    try:
        with quiet_torchscript(), torch.no_grad():
            scripted = torch.jit.script(wrapper.model.eval())
            frozen = torch.jit.optimize_for_inference(scripted) if optimize else torch.jit.freeze(scripted)
        # Only what was loaded from a file can be compiled into another module.
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
