"""Convert audio to mono for models and hosts that want mono, and to stereo for those that want stereo."""

import torch
from torch import Tensor, nn


class ChannelNormalizerSandwich(nn.Module):
    """Folds stereo to the mean of its channels, or copies mono to both channels. Allocates no memory for audio.

    Args:
        use_debug_mode: Check shapes at each call.

    >>> normalize = ChannelNormalizerSandwich()
    >>> normalize(torch.tensor([[1.0], [3.0]]), True, torch.zeros(2, 1)).tolist()
    [[2.0]]
    """

    def __init__(self, use_debug_mode: bool = True) -> None:
        super().__init__()
        self.use_debug_mode = use_debug_mode

    def forward(self, x: Tensor, should_be_mono: bool, out_buffer: Tensor) -> Tensor:
        """Return audio with the channels that are asked for.

        Args:
            x: The audio, of shape (1 or 2, frames).
            should_be_mono: Whether the result has one channel or two.
            out_buffer: The memory for the result, of shape (2 or more, frames or more). It must not be ``x``.

        Returns:
            The result, of shape (1 or 2, frames): ``x`` itself if it has the right channels, otherwise a view of
            ``out_buffer``.

        Raises:
            ValueError: In debug mode, a shape is wrong.
        """
        n = x.size(1)
        if self.use_debug_mode:
            if x.dim() != 2 or x.size(0) < 1 or x.size(0) > 2:
                raise ValueError(f"audio of shape {x.size()}, expected (1 or 2 channels, frames)")
            if out_buffer.size(0) < 2 or out_buffer.size(1) < n:
                raise ValueError(f"a buffer of shape {out_buffer.size()} for {n} frames, expected 2 rows of as many")
        if should_be_mono == (x.size(0) == 1):
            return x
        if should_be_mono:
            out = out_buffer.narrow(0, 0, 1).narrow(1, 0, n)
            torch.add(x.narrow(0, 0, 1), x.narrow(0, 1, 1), out=out)
            return out.mul_(0.5)
        return out_buffer.narrow(0, 0, 2).narrow(1, 0, n).copy_(x)
