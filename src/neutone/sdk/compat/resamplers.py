"""Resampling by interpolation, streaming, on fixed memory, scriptable."""

import torch
from torch import Tensor

from neutone.sdk.compat.resample_sandwich import ResampleSandwich
from neutone.sdk.stream.interpolator import StreamingInterpolator


class InplaceLinearResampler(ResampleSandwich):
    """Linear interpolation. Looks one frame ahead.

    Signals may be cut anyhow: each call answers the frames whose points have come, zero to ``out_bs`` of them, and the
    whole does not depend on the cuts. After N frames there are ``ceil((N - 1) f_out / f_in)``. Positions are integers,
    so an hour has the exact number of frames. What a call answers is memory that the next call overwrites.

    Args:
        in_n_ch: channels on the way in.
        out_n_ch: channels on the way out.
        in_sr: rate outside, Hz.
        out_sr: rate inside, Hz.
        in_bs: largest block outside, frames. Larger ones work, but allocate.
        use_debug_mode: check shapes at each call.

    Raises:
        ValueError: a rate or block below 1; in debug mode audio with another number of channels.

    >>> resampler = InplaceLinearResampler(1, 1, in_sr=1, out_sr=2, in_bs=3)
    >>> resampler.process_in(torch.tensor([[0.0, 1.0, 2.0]])).tolist()
    [[0.0, 0.5, 1.0, 1.5]]
    >>> resampler.process_in(torch.tensor([[3.0]])).tolist()
    [[2.0, 2.5]]
    """

    def __init__(
        self, in_n_ch: int, out_n_ch: int, in_sr: int, out_sr: int, in_bs: int, use_debug_mode: bool = True
    ) -> None:
        self._allocate_small(in_n_ch, out_n_ch, 2)
        super().__init__(in_sr, out_sr, in_bs, use_debug_mode)

    @torch.jit.unused
    def _allocate_small(self, in_n_ch: int, out_n_ch: int, points: int) -> None:
        """What the base's constructor, which sets the rates, needs."""
        self.in_n_ch = in_n_ch
        self.out_n_ch = out_n_ch
        self.points = points
        self.interpolator_in = StreamingInterpolator(in_n_ch, 0, points, 1, 1, 1, 1)
        self.interpolator_out = StreamingInterpolator(out_n_ch, 0, points, 1, 1, 1, 1)
        self.buffer_in = torch.zeros((1,))
        self.buffer_out = torch.zeros((1,))

    def set_sample_rates(self, in_sr: int, out_sr: int, in_bs: int) -> None:
        """Other rates (Hz) or another largest block outside (frames); starts from silence. Allocates."""
        self.in_sr = in_sr
        self.out_sr = out_sr
        self.in_bs = in_bs
        self.out_bs = (in_bs * out_sr + in_sr - 1) // in_sr
        back = (self.out_bs * in_sr + out_sr - 1) // out_sr + 1
        self.interpolator_in = StreamingInterpolator(
            self.in_n_ch, 0, self.points, in_sr, out_sr, in_bs + self.points, self.out_bs
        )
        self.interpolator_out = StreamingInterpolator(
            self.out_n_ch, 0, self.points, out_sr, in_sr, self.out_bs + self.points, back
        )
        self.buffer_in = torch.zeros((self.in_n_ch * self.out_bs,))
        self.buffer_out = torch.zeros((self.out_n_ch * back,))

    def reset(self) -> None:
        """Back to silence."""
        self.interpolator_in.reset()
        self.interpolator_out.reset()

    def process_in(self, x: Tensor) -> Tensor:
        """(in_n_ch, frames) at ``in_sr`` to (in_n_ch, what has come) at ``out_sr``."""
        self._check(x, self.in_n_ch)
        self.interpolator_in.claim(x.size(1)).copy_(x)
        count = self.interpolator_in.available()
        if self.in_n_ch * count > self.buffer_in.size(0):
            self.buffer_in = torch.zeros((self.in_n_ch * count,))
        out = self.buffer_in.narrow(0, 0, self.in_n_ch * count).view(self.in_n_ch, count)
        self.interpolator_in.generate(out)
        return out

    def process_out(self, x: Tensor) -> Tensor:
        """(out_n_ch, frames) at ``out_sr`` to (out_n_ch, what has come) at ``in_sr``."""
        self._check(x, self.out_n_ch)
        self.interpolator_out.claim(x.size(1)).copy_(x)
        count = self.interpolator_out.available()
        if self.out_n_ch * count > self.buffer_out.size(0):
            self.buffer_out = torch.zeros((self.out_n_ch * count,))
        out = self.buffer_out.narrow(0, 0, self.out_n_ch * count).view(self.out_n_ch, count)
        self.interpolator_out.generate(out)
        return out

    def _check(self, x: Tensor, channels: int) -> None:
        if self.use_debug_mode and (x.dim() != 2 or x.size(0) != channels):
            raise ValueError(f"audio of shape {x.size()}, expected ({channels} channels, frames)")


class Inplace4pHermiteResampler(InplaceLinearResampler):
    """Third-order Hermite interpolation through four points (Niemitalo 2001). Looks two frames ahead; otherwise as
    :class:`InplaceLinearResampler`.

    >>> resampler = Inplace4pHermiteResampler(1, 1, in_sr=1, out_sr=2, in_bs=4)
    >>> resampler.process_in(torch.tensor([[0.0, 1.0, 2.0, 3.0]])).tolist()
    [[0.0, 0.4375, 1.0, 1.5]]
    """

    def __init__(
        self, in_n_ch: int, out_n_ch: int, in_sr: int, out_sr: int, in_bs: int, use_debug_mode: bool = True
    ) -> None:
        self._allocate_small(in_n_ch, out_n_ch, 4)
        ResampleSandwich.__init__(self, in_sr, out_sr, in_bs, use_debug_mode)
