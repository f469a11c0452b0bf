"""The amp that comes with neutone as a PyTorch model: trained weights, and recurrent state in registered buffers.

``amp.onnx`` holds the only copy of the weights; they are read from it into ``nn.LSTM``. The example shows state that a
block re-assigns, knobs at sample granularity, and a recurrent layer that runs over blocks of any size in ONNX too.
docs/amp.md says how the amp was trained.

python examples/wrappers/lstm_amp.py FOLDER
"""

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from export_both import export_both
from neutone import ModelMetadata, default_model
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase


class AmpNetwork(nn.Module):
    """A network that maps audio (1, N), drive (N,) and tone (N,) to audio (1, N)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        self.skip = nn.Linear(3, 1, bias=False)
        self.register_buffer("nepers", torch.zeros(1))  # the gain range of the drive knob
        self.register_buffer("h", torch.zeros(1, 1, hidden_size))
        self.register_buffer("c", torch.zeros(1, 1, hidden_size))

    def forward(self, x: Tensor, drive: Tensor, tone: Tensor) -> Tensor:
        driven = x[0] * torch.exp(drive * self.nepers)
        features = torch.stack([x[0], torch.tanh(driven), torch.asinh(driven)], dim=1)
        knobs = torch.stack([drive, tone], dim=1)
        hidden, (h, c) = self.lstm(torch.cat([features, knobs], dim=1).unsqueeze(1), (self.h, self.c))
        self.h, self.c = h, c
        return (self.output(hidden.squeeze(1)) + self.skip(features)).t()

    def reset(self) -> None:
        self.h = torch.zeros_like(self.h)
        self.c = torch.zeros_like(self.c)


def trained_network() -> AmpNetwork:
    """Return the network with the weights of ``amp.onnx``. ONNX orders the gates as i o f c, PyTorch as i f c o."""
    tensors = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in onnx.load(default_model()).graph.initializer}

    def reordered(weights: Tensor) -> Tensor:
        i, o, f, c = weights.chunk(4)
        return torch.cat([i, f, c, o])

    network = AmpNetwork(tensors["state.h"].size(2))
    input_bias, hidden_bias = tensors["lstm.biases"][0].chunk(2)
    network.load_state_dict(
        {
            "lstm.weight_ih_l0": reordered(tensors["lstm.input_weights"][0]),
            "lstm.weight_hh_l0": reordered(tensors["lstm.recurrent_weights"][0]),
            "lstm.bias_ih_l0": reordered(input_bias),
            "lstm.bias_hh_l0": reordered(hidden_bias),
            "output.weight": tensors["output.weights"],
            "skip.weight": tensors["skip.weights"],
            "nepers": tensors["drive.nepers"],
            "h": tensors["state.h"],
            "c": tensors["state.c"],
        }
    )
    return network


class LstmAmp(WaveformToWaveformBase):
    """A mono model at 48 kHz for any block size."""

    metadata = ModelMetadata(
        model_name="LSTM amp",
        model_authors=["The neutone developers"],
        model_short_description="A small neural guitar amp: diode distortion with drive and tone.",
        technical_description="One LSTM layer of 16 units with a skip connection; see docs/amp.md.",
        tags=["guitar", "amp", "LSTM"],
        native_sample_rates=[48_000],
        is_input_mono=True,
        is_output_mono=True,
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("drive", "gain into the diodes, 0 to 40 dB", 0.5),
        ContinuousNeutoneParameter("tone", "dark to bright", 0.5),
    )

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def reset_model(self) -> bool:
        self.model.reset()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x, params["drive"], params["tone"])


def main() -> None:
    export_both(LstmAmp(trained_network()))


if __name__ == "__main__":
    main()
