"""A clipper after a high-pass: a filter whose memory is a registered buffer, so that every exporter includes it.

The high-pass is the input minus a one-pole low-pass. The low-pass is a convolution with the pole's impulse response,
cut off where it has decayed by 80 dB. A recursion sample by sample would be a loop in every format; the convolution
processes a block of any size at once, without delay.

python examples/wrappers/clipper_prefilter.py FOLDER
"""

import math

import torch
from torch import Tensor, nn

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase

SAMPLE_RATE = 48_000
CUTOFF = 300.0  # Hz


class OnePoleLowPass(nn.Module):
    """A low-pass at `cutoff` Hz, from (channels, N) to (channels, N)."""

    def __init__(self, cutoff: float, sample_rate: int, channels: int) -> None:
        super().__init__()
        pole = math.exp(-2.0 * math.pi * cutoff / sample_rate)
        taps = math.ceil(math.log(1e-4) / math.log(pole))
        response = (1.0 - pole) * pole ** torch.arange(taps, dtype=torch.float64)
        self.register_buffer("taps", response.flip(0).float().reshape(1, 1, taps))
        self.register_buffer("memory", torch.zeros(channels, taps - 1))

    def forward(self, x: Tensor) -> Tensor:
        window = torch.cat([self.memory, x], dim=1)
        self.memory = window[:, x.size(1) :].clone()
        return nn.functional.conv1d(window.unsqueeze(1), self.taps).squeeze(1)

    def reset(self) -> None:
        self.memory = torch.zeros_like(self.memory)


class PrefilteredClipper(WaveformToWaveformBase):
    """A stereo model at 48 kHz for any block size."""

    metadata = ModelMetadata(
        model_name="Clipper with pre-filter",
        model_authors=["The neutone developers"],
        model_short_description="Takes the low end out before it distorts, so that chords stay clear.",
        tags=["clipper", "distortion", "filter"],
        native_sample_rates=[SAMPLE_RATE],
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("tight", "how much of the low end is taken out", 0.7),
        ContinuousNeutoneParameter("gain", "before the clipper, linear", 4.0, 1.0, 20.0),
        ContinuousNeutoneParameter("ceiling", "nothing goes beyond", 0.5, 0.05, 1.0),
    )

    def __init__(self) -> None:
        super().__init__(OnePoleLowPass(CUTOFF, SAMPLE_RATE, channels=2))

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def reset_model(self) -> bool:
        self.model.reset()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        filtered = x - params["tight"] * self.model(x)
        ceiling = params["ceiling"]
        return torch.minimum(torch.maximum(params["gain"] * filtered, -ceiling), ceiling)


def main() -> None:
    export_both(PrefilteredClipper())


if __name__ == "__main__":
    main()
