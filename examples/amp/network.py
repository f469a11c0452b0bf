"""The network: one small LSTM with a skip connection, made so that silence in is silence out.

After A. Wright, E.-P. Damskägg, L. Juvela and V. Välimäki, "Real-Time Guitar Amplifier Emulation with Deep
Learning", Applied Sciences 10(3), 2020: the knobs are inputs beside the audio, one recurrent layer, a linear
output and the input added to it. Two things differ:

- The drive knob's law is known, so its gain is applied to the audio before the network, and the result is
  compressed to the range a recurrent layer works in by tanh (resolves the knee of the diodes) and asinh (a
  diode's voltage over its current, resolves the rest).
- The cell candidate sees neither the knobs nor a bias, and the output has no bias: with zero input a zero
  state stays exactly zero at every knob setting, so the amp at rest has no DC offset to learn away. The knobs
  work on the gates.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .simulator import DRIVE_RANGE_DB

AUDIO_FEATURES = 3
KNOBS = 2


def _masked(mask: Tensor) -> Callable[[Tensor], Tensor]:
    def hook(gradient: Tensor) -> Tensor:
        return gradient * mask

    return hook


class AmpNetwork(nn.Module):
    """Audio and knobs to audio, sample by sample.

    Shape: audio (T, B), params (T, B, 2) in 0..1, state h and c (1, B, hidden_size) -> audio (T, B) and the
    next state.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.lstm = nn.LSTM(AUDIO_FEATURES + KNOBS, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        self.skip = nn.Linear(AUDIO_FEATURES, 1, bias=False)
        self._silence_in_silence_out()

    def _silence_in_silence_out(self) -> None:
        """Zero what must stay zero and stop its gradient. PyTorch's gates: input, forget, cell, output."""
        cell = slice(2 * self.hidden_size, 3 * self.hidden_size)
        for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            parameter = getattr(self.lstm, name)
            mask = torch.ones_like(parameter)
            if name == "weight_ih_l0":
                mask[cell, AUDIO_FEATURES:] = 0.0
            else:
                mask[cell] = 0.0
            with torch.no_grad():
                parameter.mul_(mask)
            parameter.register_hook(_masked(mask))

    def forward(
        self, audio: Tensor, params: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """As the class says; `state` is the pair (h, c)."""
        gain = torch.exp(params[..., :1] * (math.log(10.0) * DRIVE_RANGE_DB / 20.0))
        driven = audio.unsqueeze(-1) * gain
        features = torch.cat([audio.unsqueeze(-1), torch.tanh(driven), torch.asinh(driven)], dim=-1)
        hidden, state = self.lstm(torch.cat([features, params], dim=-1), state)
        return (self.output(hidden) + self.skip(features)).squeeze(-1), state

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """The amp at rest."""
        zeros = torch.zeros(1, batch, self.hidden_size)
        return zeros, zeros.clone()

    def free_parameters(self) -> int:
        """Trained numbers: PyTorch's two bias vectors count as one, what is held at zero does not count."""
        hidden = self.hidden_size
        gates = 4 * hidden * (AUDIO_FEATURES + hidden) + 3 * hidden * (KNOBS + 1)
        return gates + hidden + AUDIO_FEATURES
