"""Three small models in the classes of neutone_sdk 1.5.2: one without state, one with look-behind, one recurrent.

The peer's environment makes tests/data/peer from them. A test changes their import line, as anybody would who moves a
wrapper to neutone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from neutone_sdk import ContinuousNeutoneParameter, WaveformToWaveformBase
from torch import Tensor, nn


class Captioned(WaveformToWaveformBase):
    """The texts that every model must have. It is mono and takes any rate and block size, unless a subclass overrides
    that."""

    def get_model_name(self) -> str:
        return "peer"

    def get_model_authors(self) -> list[str]:
        return ["The neutone developers"]

    def get_model_short_description(self) -> str:
        return "Made to test how other software reads this format."

    def get_model_long_description(self) -> str:
        return self.get_model_short_description()

    def get_technical_description(self) -> str:
        return "Random weights."

    def get_tags(self) -> list[str]:
        return ["test"]

    def get_model_version(self) -> str:
        return "1.0.0"

    def is_experimental(self) -> bool:
        return False

    @torch.jit.export
    def is_input_mono(self) -> bool:
        return True

    @torch.jit.export
    def is_output_mono(self) -> bool:
        return True

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return []

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        return []


class Saturation(nn.Module):
    """A hyperbolic tangent behind a gain of 1 to 10."""

    def forward(self, audio: Tensor, drive: Tensor, level: Tensor) -> Tensor:
        return level * torch.tanh(audio + 9.0 * drive * audio)


class Shaper(Captioned):
    """A stereo model with two parameters that act sample by sample, because their values are not averaged over the
    block."""

    @torch.jit.export
    def is_input_mono(self) -> bool:
        return False

    @torch.jit.export
    def is_output_mono(self) -> bool:
        return False

    def get_neutone_parameters(self) -> list[ContinuousNeutoneParameter]:
        return [
            ContinuousNeutoneParameter("drive", "gain into the curve", default_value=0.5),
            ContinuousNeutoneParameter("level", "gain out of the curve", default_value=0.8),
        ]

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model.forward(x, params["drive"], params["level"])


class Filter(nn.Module):
    """A random FIR filter that returns only samples for which all of its taps lie on the input."""

    def __init__(self, taps: int) -> None:
        super().__init__()
        self.taps = nn.Conv1d(1, 1, taps, bias=False)

    def forward(self, audio: Tensor) -> Tensor:
        return self.taps(audio[None])[0]


class LookBehind(Captioned):
    """A model at 44.1 kHz with blocks of 512. The first sample needs 65 taps, so there are 64 samples of
    look-behind."""

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return [44100]

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        return [512]

    @torch.jit.export
    def get_look_behind_samples(self) -> int:
        return 64

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model.forward(x)


class Recurrent(nn.Module):
    """An LSTM that runs over the samples and is added to them, as in amplifier models."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, width)
        self.mix = nn.Linear(width, 1)
        self.register_buffer("hidden", torch.zeros(1, 1, width))
        self.register_buffer("cell", torch.zeros(1, 1, width))

    def forward(self, audio: Tensor) -> Tensor:
        steps, (hidden, cell) = self.lstm(audio.t()[:, None], (self.hidden, self.cell))
        self.hidden, self.cell = hidden, cell
        return audio + self.mix(steps)[:, 0].t()


class LstmAmp(Captioned):
    """A model at 48 kHz that keeps its state from block to block."""

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return [48000]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model.forward(x)

    def reset_model(self) -> bool:
        self.model.hidden.zero_()
        self.model.cell.zero_()
        return True


def seeded(make: Callable[[], WaveformToWaveformBase], seed: int) -> WaveformToWaveformBase:
    """Return a model with the same random weights every time."""
    torch.manual_seed(seed)
    return make()


MODELS: dict[str, Callable[[], WaveformToWaveformBase]] = {
    "shaper": lambda: seeded(lambda: Shaper(Saturation()), 0),
    "lookbehind": lambda: seeded(lambda: LookBehind(Filter(65)), 1),
    "lstm_amp": lambda: seeded(lambda: LstmAmp(Recurrent(16)), 2),
}
