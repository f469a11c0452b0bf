"""The peer's wrapper around nothing: stereo, 44.1 kHz, blocks of 2048, four parameters."""

from __future__ import annotations

import torch
from neutone_sdk import ContinuousNeutoneParameter, WaveformToWaveformBase
from torch import Tensor, nn

from support.peer_models import Captioned

__all__ = ["pass_through"]


class PassThrough(Captioned):
    @torch.jit.export
    def is_input_mono(self) -> bool:
        return False

    @torch.jit.export
    def is_output_mono(self) -> bool:
        return False

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        return [44_100]

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        return [2048]

    def get_neutone_parameters(self) -> list[ContinuousNeutoneParameter]:
        return [ContinuousNeutoneParameter(f"parameter {i + 1}", "unused", 0.5) for i in range(4)]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


def pass_through() -> WaveformToWaveformBase:
    return PassThrough(nn.Identity())
