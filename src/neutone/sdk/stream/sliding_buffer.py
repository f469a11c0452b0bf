"""Frames in one contiguous stretch: written at its end, read at its beginning, without a copy on either side."""

import torch
from torch import Tensor


class SlidingTensorBuffer:
    """A queue whose content is never wrapped around, so that both ends can be handed out as views. When the end of the
    memory is reached, what is left moves to the front. A TorchScript class.

    Args:
        rows: at least 1.
        pending: the most frames that will wait at a time, counting those just claimed. More are held as well, but
            then memory is allocated.

    >>> buffer = SlidingTensorBuffer(rows=1, pending=4)
    >>> _ = buffer.claim(3).copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    >>> buffer.discard(1)
    >>> buffer.size(), buffer.peek(2).tolist()
    (2, [[2.0, 3.0]])
    """

    def __init__(self, rows: int, pending: int) -> None:
        # Twice, so that what moves to the front never overlaps itself; and half as much again, to move more rarely.
        self.capacity = 3 * max(pending, 1)
        self.memory = torch.zeros((rows, self.capacity))
        self.start = 0
        self.end = 0

    def size(self) -> int:
        """Frames that wait; negative where more were discarded than have come."""
        return self.end - self.start

    def claim(self, frames: int) -> Tensor:
        """Append frames: a view (rows, frames) that the caller fills."""
        if self.start == self.end:
            self.start = 0
            self.end = 0
        if self.end + frames > self.capacity:
            self._move_to_front(frames)
        view = self.memory.narrow(1, self.end, frames)
        self.end += frames
        return view

    def _move_to_front(self, frames: int) -> None:
        dropped = min(self.start, self.end)
        kept = self.end - dropped
        left = self.memory.narrow(1, dropped, kept)
        if kept > dropped or kept + frames > self.capacity:
            self.capacity = 3 * (kept + frames)
            self.memory = torch.zeros((self.memory.size(0), self.capacity))
        self.memory.narrow(1, 0, kept).copy_(left)
        self.start -= dropped
        self.end = kept

    def peek(self, frames: int) -> Tensor:
        """A view (rows, frames) of the oldest, of which there must be so many."""
        return self.memory.narrow(1, min(self.start, self.end), frames)

    def discard(self, frames: int) -> None:
        """Remove the oldest; those that have not come yet are removed when they come."""
        self.start += frames

    def reset(self) -> None:
        """Remove all frames."""
        self.start = 0
        self.end = 0
