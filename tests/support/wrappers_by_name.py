"""Wrapped models that tests load by name, as from a user's file."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase


class Echo(WaveformToWaveformBase):
    """A mono model for any block size that adds the sample 16 frames before. It can be reset."""

    metadata = ModelMetadata(model_name="Echo", native_sample_rates=[48_000], is_input_mono=True, is_output_mono=True)
    neutone_parameters: ClassVar[list[Any]] = [
        ContinuousNeutoneParameter("level", "of the echo", 0.5),
        ContinuousNeutoneParameter("gain", "of everything", 1.0, 0.0, 2.0),
    ]

    def __init__(self) -> None:
        super().__init__(nn.Conv1d(1, 1, 1, bias=False))
        nn.init.ones_(self.model.weight)
        self.register_buffer("past", torch.zeros(1, 16))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        window = torch.cat([self.past, self.model(x)], dim=1)
        self.past = window[:, -16:].clone()
        return (window[:, 16:] + params["level"] * window[:, : x.size(1)]) * params["gain"]

    def reset_model(self) -> bool:
        self.past = torch.zeros_like(self.past)
        return True


class NoReset(Echo):
    """The same, but without a reset."""

    def reset_model(self) -> bool:
        return False


class Forgetful(Echo):
    """The same, but it keeps a number, too, and its reset claims to have cleared that."""

    def __init__(self) -> None:
        super().__init__()
        self.fade: float = 1.0

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        self.fade *= 0.99
        return x * self.fade

    def reset_model(self) -> bool:
        return True


class Blocks(WaveformToWaveformBase):
    """A stereo-to-mono model with look-behind and a block size of its own."""

    metadata = ModelMetadata(
        model_name="Blocks",
        native_sample_rates=[44_100],
        native_buffer_sizes=[256],
        look_behind_samples=8,
        is_output_mono=True,
    )

    def calc_model_delay_samples(self) -> int:
        return 8

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x[:1, :-8] + 0.1 * x[1:, 8:]


class Broken(Echo):
    """Returns the wrong shape."""

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x[:, 1:]


class Late(Echo):
    """Is 16 frames late, and does not report it."""

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -16:].clone()
        return window[:, : x.size(1)]


class NeedsArguments(Echo):
    def __init__(self, size: int) -> None:
        super().__init__()


def make_echo() -> Echo:
    return Echo()


ready_made = Echo()
not_a_model = 5
