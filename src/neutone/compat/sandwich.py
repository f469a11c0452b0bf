"""Converters of channels and sample rates that are put around a model."""

from torch import Tensor
from torch.nn.functional import interpolate

from neutone.compat.not_yet import refuse_missing
from neutone.sdk import (
    ChannelNormalizerSandwich,
    Inplace4pHermiteResampler,
    InplaceLinearResampler,
    ResampleSandwich,
)

__all__ = [
    "ChannelNormalizerSandwich",
    "Inplace4pHermiteResampler",
    "InplaceLinearResampler",
    "LinearResampler",
    "ResampleSandwich",
]


class LinearResampler(ResampleSandwich):
    """Linear interpolation within each block: the first and last frames of a block keep their values.

    Every block of ``in_bs`` frames becomes one of ``out_bs`` and the other way round, so pitch is slightly wrong, and
    blocks do not join. :class:`InplaceLinearResampler` resamples a stream.

    >>> import torch
    >>> LinearResampler(2, 4, in_bs=3).process_in(torch.tensor([[0.0, 1.0, 2.0]])).shape
    torch.Size([1, 6])
    """

    def process_in(self, x: Tensor) -> Tensor:
        """Return a block of shape (channels, ``in_bs``) with ``out_bs`` frames."""
        return self._to_length(x, self.out_bs)

    def process_out(self, x: Tensor) -> Tensor:
        """Return a block of shape (channels, ``out_bs``) with ``in_bs`` frames."""
        return self._to_length(x, self.in_bs)

    def _to_length(self, x: Tensor, frames: int) -> Tensor:
        if x.size(1) == frames:
            return x
        return interpolate(x.unsqueeze(0), size=frames, mode="linear", align_corners=True).squeeze(0)


__getattr__ = refuse_missing(__name__)
