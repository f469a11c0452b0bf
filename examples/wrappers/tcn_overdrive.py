"""An overdrive that was never trained: a temporal convolutional network with random weights.

After C. J. Steinmetz and J. D. Reiss, "Randomized overdrive neural networks", arXiv 2010.04237: dilated causal
convolutions, each followed by an affine conditioning (FiLM) that a small network derives from the knobs, an activation
and a residual connection. Here every convolution keeps the end of the previous block in a registered buffer, so that
blocks of any size give the same audio as one long signal.

python examples/wrappers/tcn_overdrive.py FOLDER
"""

import torch
from torch import Tensor, nn

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase

LAYERS, CHANNELS, KERNEL, DILATION_GROWTH, KNOBS, SEED = 4, 16, 5, 5, 2, 42


class CausalConv(nn.Module):
    """A dilated convolution from (1, C_in, N) to (1, C_out, N) that only looks back."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.register_buffer("cache", torch.zeros(1, inputs, (kernel - 1) * dilation))

    def forward(self, x: Tensor) -> Tensor:
        window = torch.cat([self.cache, x], dim=2)
        self.cache = window[:, :, x.size(2) :].clone()
        return self.conv(window)


class Block(nn.Module):
    """A convolution with conditioning, activation and residual connection."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, embedding: int) -> None:
        super().__init__()
        self.conv = CausalConv(inputs, outputs, kernel, dilation)
        self.film = nn.Linear(embedding, 2 * outputs)
        self.activation = nn.PReLU(outputs)
        self.residual = nn.Conv1d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding).unsqueeze(2).chunk(2, dim=1)
        return self.activation(self.conv(x) * scale + shift) + self.residual(x)


class TCN(nn.Module):
    """A network that maps audio (1, N) and knobs (1, K) to audio (1, N)."""

    def __init__(self, layers: int, channels: int, kernel: int, growth: int, knobs: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(knobs, 16), nn.ReLU(), nn.Linear(16, 32), nn.ReLU())
        self.blocks = nn.ModuleList(
            Block(1 if i == 0 else channels, channels, kernel, growth**i, 32) for i in range(layers)
        )
        self.out = nn.Conv1d(channels, 1, 1)

    def forward(self, x: Tensor, knobs: Tensor) -> Tensor:
        embedding = self.embed(knobs)
        y = x.unsqueeze(0)
        for block in self.blocks:
            y = block(y, embedding)
        return torch.tanh(self.out(y)).squeeze(0)

    def reset(self) -> None:
        for block in self.blocks:
            block.conv.cache = torch.zeros_like(block.conv.cache)


def random_tcn(seed: int = SEED) -> TCN:
    """Return a network with random weights. They are the same every time; the seed determines the sound."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TCN(LAYERS, CHANNELS, KERNEL, DILATION_GROWTH, KNOBS)


class RandomOverdrive(WaveformToWaveformBase):
    """A mono model at 48 kHz for any block size."""

    metadata = ModelMetadata(
        model_name="Randomised overdrive",
        model_authors=["The neutone developers"],
        model_short_description="A distortion that nobody designed.",
        technical_description="4 layers of 16 channels, kernel 5, dilations 1, 5, 25, 125, FiLM, random weights.",
        technical_links={"Paper": "https://arxiv.org/abs/2010.04237"},
        tags=["distortion", "TCN", "random"],
        native_sample_rates=[48_000],
        is_input_mono=True,
        is_output_mono=True,
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("gain", "into the network, dB", 12.0, 0.0, 30.0),
        ContinuousNeutoneParameter("colour", "one of its knobs", 0.5, -2.0, 2.0),
        ContinuousNeutoneParameter("grit", "the other", 0.5, -2.0, 2.0),
    )

    def reset_model(self) -> bool:
        self.model.reset()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        knobs = torch.stack([params["colour"], params["grit"]], dim=1)
        return self.model(x * torch.pow(10.0, params["gain"] / 20.0), knobs)


def main() -> None:
    export_both(RandomOverdrive(random_tcn()))


if __name__ == "__main__":
    main()
