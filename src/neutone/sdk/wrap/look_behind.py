"""The samples before a block, kept from one call to the next."""

import torch
from torch import Tensor, nn


class LookBehind(nn.Module):
    """Puts the `length` samples that came before it in front of each block, of any size.

    The history is one registered buffer of a fixed size, so that exporters see it as state.

    Args:
        initial: (rows, 1), what counts as having come before the first block.
        length: samples, at least 1.

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
        """(rows, n) to (rows, length + n): memory of its own, shared with nobody."""
        window = torch.cat([self.history, block], dim=1)
        self.history.copy_(window[:, window.size(1) - self.length :].detach())
        return window

    def reset(self) -> None:
        """Forget what came before."""
        self.history.copy_(self.initial.expand_as(self.history))


class NoLookBehind(nn.Module):
    """For models that see each block alone: passes it on as it is, and has no state."""

    def forward(self, block: Tensor) -> Tensor:
        """(rows, n) to the same tensor."""
        return block

    def reset(self) -> None:
        """Nothing to forget."""


def make_look_behind(initial: Tensor, length: int) -> LookBehind | NoLookBehind:
    """The module for a length in samples, which may be 0."""
    return LookBehind(initial, length) if length > 0 else NoLookBehind()
