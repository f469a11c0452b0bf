"""Wrapped models that describe much or little of themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neutone.sdk import CategoricalNeutoneParameter, ContinuousNeutoneParameter, ModelMetadata, WaveformToWaveformBase


class Clipper(WaveformToWaveformBase):
    """Describes everything on the class, in ten lines."""

    metadata = ModelMetadata(
        model_name="Clipper", model_authors=["A"], tags=["distortion"], is_input_mono=True, is_output_mono=True
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 11.0),
        CategoricalNeutoneParameter("mode", "hard or soft", 2, labels=["hard", "soft"]),
    )

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        driven = x * params["drive"]
        return torch.where(params["mode"] > 0, torch.tanh(driven), torch.clip(driven, -1.0, 1.0))


class Bare(WaveformToWaveformBase):
    """Passes stereo audio on."""

    metadata = ModelMetadata(model_name="Bare")

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


class Everything(WaveformToWaveformBase):
    """Describes everything by undecorated methods. Has an annotation of its own, and attributes made by the
    constructor."""

    extra: int

    def __init__(self) -> None:
        super().__init__(nn.Conv1d(2, 1, 1))
        self.extra = 3
        self.told = [0, 0]
        self.register_buffer("blocks", torch.zeros(1))

    def get_model_name(self) -> str:
        return "Everything"

    def get_model_authors(self) -> list[str]:
        return [f"author {index}" for index in range(5)]

    def get_technical_links(self) -> dict[str, str]:
        return {"Code": "https://example.org"}

    def get_tags(self) -> list[str]:
        return ["x" * 15] * 7

    def is_experimental(self) -> bool:
        return True

    def get_wet_default_value(self) -> float:
        return 0.75

    def is_output_mono(self) -> bool:
        return True

    def get_native_sample_rates(self) -> list[int]:
        return [44100, 48000]

    def get_native_buffer_sizes(self) -> list[int]:
        return [4, 8]

    def calc_model_delay_samples(self) -> int:
        return self.extra

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.told = [sample_rate, n_samples]
        return True

    def reset_model(self) -> bool:
        self.blocks.zero_()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        self.blocks.add_(1)
        return self.model.forward(x[None])[0] * 0 + self.blocks


class Window(WaveformToWaveformBase):
    """Returns sums over a look-behind of three samples and the sample itself."""

    metadata = ModelMetadata(model_name="Window", is_input_mono=True, is_output_mono=True, look_behind_samples=3)

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x.unfold(1, 4, 1).sum(2)


class Curves(WaveformToWaveformBase):
    """Returns its parameter at sample granularity, after a look-behind of two."""

    metadata = ModelMetadata(
        model_name="Curves",
        is_input_mono=True,
        is_output_mono=True,
        look_behind_samples=2,
        neutone_parameters={"p1": ContinuousNeutoneParameter("level", "", 20.0, 0.0, 80.0)},
    )

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        level = params["level"]
        return level[None, : x.size(1) - 2]


def knob(name: str = "knob") -> ContinuousNeutoneParameter:
    return ContinuousNeutoneParameter(name, "", 0.5)
