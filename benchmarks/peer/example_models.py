"""Two of the examples in the peer's own wrapper classes, around the same networks with the same weights.

The folder named by the environment variable NEUTONE_EXAMPLES holds, for the names ``tcn`` and ``lstm``, ``NAME.ts``
(the network in TorchScript) and ``NAME.npz``: ``audio`` (1, n), constant ``params`` (4,) in 0..1, and ``expected``
(1, n), the output of neutone's own wrapper in blocks of ``size`` frames.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from neutone_sdk import ContinuousNeutoneParameter, WaveformToWaveformBase
from torch import Tensor

from support.peer_models import Captioned

__all__ = ["largest_difference", "wrap"]


class At48k(Captioned):
    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return [48_000]


class RandomOverdrive(At48k):
    """Does the same as examples/wrappers/tcn_overdrive.py."""

    def get_neutone_parameters(self) -> list[ContinuousNeutoneParameter]:
        return [
            ContinuousNeutoneParameter("gain", "into the network, dB", default_value=0.4),
            ContinuousNeutoneParameter("colour", "one of its knobs", default_value=0.625),
            ContinuousNeutoneParameter("grit", "the other", default_value=0.625),
        ]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        knobs = torch.stack([params["colour"], params["grit"]], dim=1) * 4.0 - 2.0
        return self.model.forward(x * torch.pow(10.0, params["gain"] * 30.0 / 20.0), knobs)


class LstmAmp(At48k):
    """Does the same as examples/wrappers/lstm_amp.py."""

    def get_neutone_parameters(self) -> list[ContinuousNeutoneParameter]:
        return [
            ContinuousNeutoneParameter("drive", "gain into the diodes, 0 to 40 dB", default_value=0.5),
            ContinuousNeutoneParameter("tone", "dark to bright", default_value=0.5),
        ]

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model.forward(x, params["drive"], params["tone"])


CLASSES: dict[str, type[At48k]] = {"tcn": RandomOverdrive, "lstm": LstmAmp}


def folder() -> Path:
    return Path(os.environ["NEUTONE_EXAMPLES"])


def wrap(name: str) -> WaveformToWaveformBase:
    return CLASSES[name](torch.jit.load(str(folder() / f"{name}.ts")))


def largest_difference(name: str) -> float:
    """Return the largest difference between the peer's model in eager mode and neutone's output."""
    data = np.load(folder() / f"{name}.npz")
    size = int(data["size"])
    model = wrap(name)
    model.prepare_for_inference()
    model.set_sample_rate_and_buffer_size(48_000, size)
    params = torch.from_numpy(data["params"])[:, None].repeat(1, size)
    with torch.no_grad():
        out = [model(block, params).clone() for block in torch.from_numpy(data["audio"]).split(size, dim=1)]
    return float(np.abs(torch.cat(out, 1).numpy() - data["expected"]).max())
