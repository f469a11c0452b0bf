"""The network: one small LSTM with a skip connection, designed so that silence in gives silence out.

It follows A. Wright, E.-P. Damskägg, L. Juvela and V. Välimäki, "Real-Time Guitar Amplifier Emulation with Deep
Learning", Applied Sciences 10(3), 2020: the knobs are inputs next to the audio, and there is one recurrent layer and a
linear output, to which the input is added. Two things are different:

- The effect of the drive knob is known, so its gain is applied to the audio before the network. The result is
  compressed to the range that a recurrent layer works in, by tanh (which resolves the knee of the diodes) and asinh (a
  diode's voltage as a function of its current, which resolves the rest).
- The cell candidate has neither the knobs as inputs nor a bias, and the output has no bias. So with zero input, a zero
  state stays exactly zero at every knob setting, and the amp at rest has no DC offset to unlearn. The knobs act on the
  gates.
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
    """Maps audio and knobs to audio, sample by sample.

    Shape: audio (T, B), params (T, B, 2) in 0..1 and the state h and c (1, B, hidden_size) are mapped to audio (T, B)
        and the next state.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.lstm = nn.LSTM(AUDIO_FEATURES + KNOBS, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        self.skip = nn.Linear(AUDIO_FEATURES, 1, bias=False)
        self._silence_in_silence_out()

    def _silence_in_silence_out(self) -> None:
        """Set what must stay zero to zero, and stop its gradient.
        PyTorch's gate order is input, forget, cell, output."""
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
        """Return audio (T, B) and the next state, given audio (T, B), params (T, B, 2) and the state (h, c)."""
        gain = torch.exp(params[..., :1] * (math.log(10.0) * DRIVE_RANGE_DB / 20.0))
        driven = audio.unsqueeze(-1) * gain
        features = torch.cat([audio.unsqueeze(-1), torch.tanh(driven), torch.asinh(driven)], dim=-1)
        hidden, state = self.lstm(torch.cat([features, params], dim=-1), state)
        return (self.output(hidden) + self.skip(features)).squeeze(-1), state

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """Return the state of the amp at rest."""
        zeros = torch.zeros(1, batch, self.hidden_size)
        return zeros, zeros.clone()

    def free_parameters(self) -> int:
        """Return the number of trained numbers.
        PyTorch's two bias vectors count as one; what is held at zero does not count."""
        hidden = self.hidden_size
        gates = 4 * hidden * (AUDIO_FEATURES + hidden) + 3 * hidden * (KNOBS + 1)
        return gates + hidden + AUDIO_FEATURES
