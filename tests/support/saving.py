"""Small wrapped models, and functions that save them with ``save_neutone_model``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from neutone import ModelMetadata
from neutone.errors import ModelCheckWarning
from neutone.sdk import ContinuousNeutoneParameter, ExportReport, WaveformToWaveformBase, save_neutone_model


class Clip(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="Clip", native_sample_rates=[48_000], is_input_mono=True, is_output_mono=True)
    neutone_parameters: ClassVar[list[Any]] = [ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 10.0)]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return torch.clip(x * params["drive"], -0.5, 0.5)


class Network(nn.Module):
    """Keeps state inside the network, in a buffer that each block replaces."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 1, 3)
        self.register_buffer("past", torch.zeros(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -2:].clone()
        return self.filter(window.unsqueeze(0)).squeeze(0)


class Filter(Clip):
    neutone_parameters: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(Network())

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x)

    def reset_model(self) -> bool:
        self.model.past = torch.zeros_like(self.model.past)
        return True


class PlainNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(x.unsqueeze(0)).squeeze(0)


class PlainFilter(Clip):
    neutone_parameters: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(PlainNetwork())
        self.register_buffer("last", torch.zeros(1, 1))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = self.model(x) + self.last
        self.last = x[:, -1:].clone()  # assigned in the wrapper, which is not frozen
        return y

    def reset_model(self) -> bool:
        self.last = torch.zeros_like(self.last)
        return True


class Delayed(Clip):
    """Is 13 frames late, and reports `answer` as its delay."""

    neutone_parameters: ClassVar[list[Any]] = []
    answer = 13

    def __init__(self) -> None:
        super().__init__()
        self.told: int = self.answer
        self.register_buffer("past", torch.zeros(1, 13))

    def calc_model_delay_samples(self) -> int:
        return self.told

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -13:].clone()
        return window[:, :-13]

    def reset_model(self) -> bool:
        self.past = torch.zeros_like(self.past)
        return True


def save(model: Any, folder: Path, **options: Any) -> ExportReport:
    return save_neutone_model(model, folder, **{"speed_benchmark": False, **options})


def complaint(model: Any, folder: Path, **options: Any) -> str:
    with pytest.warns(ModelCheckWarning) as caught:
        save(model, folder, **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__.replace(".pyc", ".py")  # the warning points at the caller
    return str(caught[0].message)


def results(report: ExportReport) -> dict[str, bool | None]:
    return {check.name: check.passed for check in report.checks}
