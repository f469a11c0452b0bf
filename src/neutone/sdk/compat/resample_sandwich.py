"""What resampling to a model's rate and back must offer."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class ResampleSandwich(ABC, nn.Module):
    """Two resamplers around something that runs at another rate. Subclasses write :meth:`process_in` and
    :meth:`process_out`, and where they hold memory or state :meth:`set_sample_rates` and :meth:`reset`. (TorchScript
    knows no ``super().method()``: an overridden :meth:`set_sample_rates` sets the four attributes by itself.)

    Args:
        in_sr: rate outside, Hz.
        out_sr: rate inside, Hz.
        in_bs: largest block outside, frames.
        use_debug_mode: check shapes at each call.

    Raises:
        ValueError: a rate or block below 1.

    >>> class Halver(ResampleSandwich):
    ...     def process_in(self, x: Tensor) -> Tensor:
    ...         return x[:, ::2]
    ...     def process_out(self, x: Tensor) -> Tensor:
    ...         return x.repeat_interleave(2, dim=1)
    >>> Halver(96_000, 48_000, 512).out_bs
    256
    """

    def __init__(self, in_sr: int, out_sr: int, in_bs: int, use_debug_mode: bool = True) -> None:
        super().__init__()
        if in_sr < 1 or out_sr < 1 or in_bs < 1:
            raise ValueError(f"rates of {in_sr} and {out_sr} Hz and blocks of {in_bs} frames, expected at least 1 each")
        self.use_debug_mode = use_debug_mode
        self.in_sr = in_sr
        self.out_sr = out_sr
        self.in_bs = in_bs
        self.out_bs = in_bs
        self.set_sample_rates(in_sr, out_sr, in_bs)

    def set_sample_rates(self, in_sr: int, out_sr: int, in_bs: int) -> None:
        """Other rates (Hz) or another largest block outside (frames); starts from silence. May allocate."""
        self.in_sr = in_sr
        self.out_sr = out_sr
        self.in_bs = in_bs
        self.out_bs = (in_bs * out_sr + in_sr - 1) // in_sr

    def is_resampling(self) -> bool:
        """Whether the two rates differ."""
        return self.in_sr != self.out_sr

    def reset(self) -> None:
        """Back to silence. One without state needs none."""
        return

    @abstractmethod
    def process_in(self, x: Tensor) -> Tensor:
        """From ``in_sr`` to ``out_sr``, (channels, frames)."""

    @abstractmethod
    def process_out(self, x: Tensor) -> Tensor:
        """From ``out_sr`` to ``in_sr``, (channels, frames)."""
