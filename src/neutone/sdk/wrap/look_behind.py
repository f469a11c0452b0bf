"""Keep the samples before a block from one call to the next."""

import torch
from torch import Tensor, nn


class LookBehind(nn.Module):
    """Put the `length` samples that came before a block in front of it. Blocks may have any size.

    The history is a registered buffer of fixed size, so that exporters treat it as state.

    Args:
        initial: The value that counts as the past before the first block, of shape (rows, 1).
        length: The number of samples, at least 1.

    >>> past = LookBehind(torch.zeros(1, 1), 2)
    >>> past(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[0., 0., 1., 2., 3.]])
    >>> past(torch.tensor([[4.0]]))
    tensor([[2., 3., 4.]])
    """

    history: Tensor

    def __init__(self, initial: Tensor, length: int) -> None:
        super().__init__()
        self.length = length
        self.initial = initial.clone()
        self.register_buffer("history", initial.repeat(1, length), persistent=False)

    def forward(self, block: Tensor) -> Tensor:
        """Return a block of shape (rows, n) with its look-behind, (rows, length + n), in newly allocated memory."""
        window = torch.cat([self.history, block], dim=1)
        self.history.copy_(window[:, window.size(1) - self.length :].detach())
        return window

    def reset(self) -> None:
        """Go back to the initial history."""
        self.history.copy_(self.initial.expand_as(self.history))


class NoLookBehind(nn.Module):
    """The counterpart of :class:`LookBehind` for models without look-behind: passes blocks on and has no state."""

    def forward(self, block: Tensor) -> Tensor:
        """Return the block itself, of shape (rows, n)."""
        return block

    def reset(self) -> None:
        """Do nothing: there is no history."""


def make_look_behind(initial: Tensor, length: int) -> LookBehind | NoLookBehind:
    """Return the look-behind module for a length in samples, which may be 0."""
    return LookBehind(initial, length) if length > 0 else NoLookBehind()
