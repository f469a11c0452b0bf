"""A loudspeaker cabinet: a model without state that needs to see the samples before the block.

It declares N_LB samples of look-behind, and gets N_LB + N samples to return N. The host, or the file, keeps the
history. So an unpadded convolution needs no cache of its own.

python examples/wrappers/look_behind.py FOLDER
"""

import torch
from torch import Tensor, nn

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase

SAMPLE_RATE, TAPS = 48_000, 512


def cabinet_response() -> Tensor:
    """Return an impulse response of shape (TAPS,):
    the direct sound and three decaying resonances, with a total power of 1."""
    t = torch.arange(TAPS, dtype=torch.float64) / SAMPLE_RATE
    response = torch.zeros(TAPS, dtype=torch.float64)
    for frequency, decay, level in ((110.0, 400.0, 0.05), (900.0, 900.0, 0.1), (2600.0, 2500.0, 0.25)):
        response += level * torch.exp(-decay * t) * torch.sin(2 * torch.pi * frequency * t)
    response[0] = 0.2
    return (response / response.square().sum().sqrt()).float()


class Cabinet(WaveformToWaveformBase):
    """A mono model at 48 kHz for any block size, with 511 samples of look-behind."""

    metadata = ModelMetadata(
        model_name="Cabinet",
        model_authors=["The neutone developers"],
        model_short_description="A loudspeaker, by convolution.",
        tags=["cabinet", "convolution"],
        native_sample_rates=[SAMPLE_RATE],
        is_input_mono=True,
        is_output_mono=True,
        look_behind_samples=TAPS - 1,
    )
    neutone_parameters = (ContinuousNeutoneParameter("level", "of the result, linear", 0.5, 0.0, 1.0),)

    def __init__(self) -> None:
        filter_ = nn.Conv1d(1, 1, TAPS, bias=False)
        filter_.weight = nn.Parameter(cabinet_response().flip(0).reshape(1, 1, TAPS), requires_grad=False)
        super().__init__(filter_)

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x.unsqueeze(0)).squeeze(0) * params["level"]


def main() -> None:
    export_both(Cabinet())


if __name__ == "__main__":
    main()
