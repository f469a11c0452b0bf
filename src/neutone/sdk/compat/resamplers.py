"""Streaming resamplers that interpolate, in preallocated memory, usable in TorchScript."""

import torch
from torch import Tensor

from neutone.sdk.compat.resample_sandwich import ResampleSandwich
from neutone.sdk.stream.interpolator import StreamingInterpolator


class InplaceLinearResampler(ResampleSandwich):
    """A resampler with linear interpolation. It looks one frame ahead.

    A signal may be divided into blocks in any way. Each call returns the frames that can be computed so far, zero to
    ``out_bs`` of them, and the whole output does not depend on how the signal was divided. After N frames there are
    ``ceil((N - 1) f_out / f_in)``. Positions are integers, so even an hour of audio has exactly the right number of
    frames. The returned memory is overwritten by the next call.

    Args:
        in_n_ch: The number of channels on the way in.
        out_n_ch: The number of channels on the way out.
        in_sr: The sample rate outside, in Hz.
        out_sr: The sample rate inside, in Hz.
        in_bs: The largest block outside, in frames. Larger blocks work, but allocate.
        use_debug_mode: Check shapes at each call.

    Raises:
        ValueError: A rate or block size is below 1; or in debug mode, audio has the wrong number of channels.

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
        """Allocate the little that the base class's constructor needs, which sets the rates."""
        self.in_n_ch = in_n_ch
        self.out_n_ch = out_n_ch
        self.points = points
        self.interpolator_in = StreamingInterpolator(in_n_ch, 0, points, 1, 1, 1, 1)
        self.interpolator_out = StreamingInterpolator(out_n_ch, 0, points, 1, 1, 1, 1)
        self.buffer_in = torch.zeros((1,))
        self.buffer_out = torch.zeros((1,))

    def set_sample_rates(self, in_sr: int, out_sr: int, in_bs: int) -> None:
        """Change the sample rates (Hz) and the largest block outside (frames).
        It starts from silence, and allocates."""
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
        """Return to silence."""
        self.interpolator_in.reset()
        self.interpolator_out.reset()

    def process_in(self, x: Tensor) -> Tensor:
        """Resample audio of shape (in_n_ch, frames) from ``in_sr`` to ``out_sr``.
        Returns the frames that can be computed so far."""
        self._check(x, self.in_n_ch)
        self.interpolator_in.claim(x.size(1)).copy_(x)
        count = self.interpolator_in.available()
        if self.in_n_ch * count > self.buffer_in.size(0):
            self.buffer_in = torch.zeros((self.in_n_ch * count,))
        out = self.buffer_in.narrow(0, 0, self.in_n_ch * count).view(self.in_n_ch, count)
        self.interpolator_in.generate(out)
        return out

    def process_out(self, x: Tensor) -> Tensor:
        """Resample audio of shape (out_n_ch, frames) from ``out_sr`` to ``in_sr``.
        Returns the frames that can be computed so far."""
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
    """A resampler with third-order Hermite interpolation through four points (Niemitalo 2001). It looks two frames
    ahead. Otherwise it works like :class:`InplaceLinearResampler`.

    >>> resampler = Inplace4pHermiteResampler(1, 1, in_sr=1, out_sr=2, in_bs=4)
    >>> resampler.process_in(torch.tensor([[0.0, 1.0, 2.0, 3.0]])).tolist()
    [[0.0, 0.4375, 1.0, 1.5]]
    """

    def __init__(
        self, in_n_ch: int, out_n_ch: int, in_sr: int, out_sr: int, in_bs: int, use_debug_mode: bool = True
    ) -> None:
        self._allocate_small(in_n_ch, out_n_ch, 4)
        ResampleSandwich.__init__(self, in_sr, out_sr, in_bs, use_debug_mode)
