"""The base class of resamplers to a model's rate and back."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class ResampleSandwich(ABC, nn.Module):
    """Two resamplers around something that runs at another rate.

    Subclasses define :meth:`process_in` and :meth:`process_out`. Those with memory or state also define
    :meth:`set_sample_rates` and :meth:`reset`. (TorchScript does not support ``super().method()``, so an overridden
    :meth:`set_sample_rates` sets the four attributes itself.)

    Args:
        in_sr: The sample rate outside, in Hz.
        out_sr: The sample rate inside, in Hz.
        in_bs: The largest block outside, in frames.
        use_debug_mode: Check shapes at each call.

    Raises:
        ValueError: A rate or block size is below 1.

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
        """Change the sample rates (Hz) and the largest block outside (frames).
        It starts from silence, and may allocate."""
        self.in_sr = in_sr
        self.out_sr = out_sr
        self.in_bs = in_bs
        self.out_bs = (in_bs * out_sr + in_sr - 1) // in_sr

    def is_resampling(self) -> bool:
        """Return whether the two rates differ."""
        return self.in_sr != self.out_sr

    def reset(self) -> None:
        """Return to silence. A resampler without state need not define this."""
        return

    @abstractmethod
    def process_in(self, x: Tensor) -> Tensor:
        """Resample audio of shape (channels, frames) from ``in_sr`` to ``out_sr``."""

    @abstractmethod
    def process_out(self, x: Tensor) -> Tensor:
        """Resample audio of shape (channels, frames) from ``out_sr`` to ``in_sr``."""
