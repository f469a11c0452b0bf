"""A wrapper around a TorchScript file with ``encode`` and ``decode``, as RAVE exports them for nn~.

Such files have these methods, buffers ``encode_params`` and ``decode_params`` (channels in, ratio in, channels out,
ratio out), caches inside, and a fixed number of samples per latent frame. The network here is a stand-in with random
weights that is scripted on the spot; pass ``RaveWrapper`` the result of ``torch.jit.load`` instead. The knobs move the
latents.

python examples/wrappers/rave_style.py FOLDER
"""

import torch
from torch import Tensor, nn

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase, quiet_torchscript

SAMPLE_RATE, BLOCK, RATIO, LATENTS, CHANNELS = 48_000, 2048, 128, 4, 16


class CachedConv(nn.Module):
    """A convolution from (1, C_in, T) to (1, C_out, T) that keeps the frames before the block."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel)
        self.register_buffer("cache", torch.zeros(1, inputs, kernel - 1))

    def forward(self, x: Tensor) -> Tensor:
        window = torch.cat([self.cache, x], dim=2)
        self.cache.copy_(window[:, :, x.size(2) :])
        return self.conv(window)


class StandIn(nn.Module):
    """An autoencoder of RAVE's shape: `RATIO` samples become one frame of `LATENTS` numbers, and then samples again."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis = nn.Conv1d(1, CHANNELS, RATIO, stride=RATIO)
        self.encoder = CachedConv(CHANNELS, LATENTS, 3)
        self.decoder = CachedConv(LATENTS, CHANNELS, 3)
        self.synthesis = nn.ConvTranspose1d(CHANNELS, 1, RATIO, stride=RATIO)
        self.register_buffer("encode_params", torch.tensor([1, 1, LATENTS, RATIO]))
        self.register_buffer("decode_params", torch.tensor([LATENTS, RATIO, 1, 1]))

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(torch.tanh(self.analysis(x)))

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return torch.tanh(self.synthesis(torch.tanh(self.decoder(z))))

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def stand_in() -> torch.jit.ScriptModule:
    """Return the scripted network, with the same random weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = StandIn().eval()
    with quiet_torchscript():
        return torch.jit.script(network)


class RaveWrapper(WaveformToWaveformBase):
    """A mono model at 48 kHz for blocks of 2048."""

    metadata = ModelMetadata(
        model_name="RAVE style",
        model_authors=["The neutone developers"],
        model_short_description="Takes sound apart and puts it together differently.",
        technical_description="A wrapper for TorchScript files with nn~ methods; random weights as a stand-in.",
        tags=["autoencoder", "latent", "timbre"],
        is_experimental=True,
        native_sample_rates=[SAMPLE_RATE],
        native_buffer_sizes=[BLOCK],
        is_input_mono=True,
        is_output_mono=True,
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("chaos", "scales the latents", 1.0, 0.0, 4.0),
        ContinuousNeutoneParameter("latent 1", "added to the first latent", 0.0, -3.0, 3.0),
        ContinuousNeutoneParameter("latent 2", "added to the second", 0.0, -3.0, 3.0),
    )

    def reset_model(self) -> bool:
        self.model.encoder.cache.zero_()
        self.model.decoder.cache.zero_()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        z = self.model.encode(x.unsqueeze(0)) * params["chaos"]
        still = torch.zeros_like(params["chaos"])
        shift = torch.stack([params["latent 1"], params["latent 2"], still, still])  # (LATENTS, 1)
        return self.model.decode(z + shift).squeeze(0)


def main() -> None:
    export_both(RaveWrapper(stand_in()))


if __name__ == "__main__":
    main()
