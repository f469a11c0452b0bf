"""A queue of frames in contiguous memory: written at its end, read at its beginning, without a copy on either side."""

import torch
from torch import Tensor


class SlidingTensorBuffer:
    """A queue whose content never wraps around, so that both ends can be given out as views. When it reaches the end of
    its memory, what is left is moved to the front. This is a TorchScript class.

    Args:
        rows: The number of rows, at least 1.
        pending: The most frames that will wait at a time, including those just claimed. More frames work, but allocate
            memory.

    >>> buffer = SlidingTensorBuffer(rows=1, pending=4)
    >>> _ = buffer.claim(3).copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    >>> buffer.discard(1)
    >>> buffer.size(), buffer.peek(2).tolist()
    (2, [[2.0, 3.0]])
    """

    def __init__(self, rows: int, pending: int) -> None:
        # Twice, so that what moves to the front never overlaps itself; and half as much again, to move less often.
        self.capacity = 3 * max(pending, 1)
        self.memory = torch.zeros((rows, self.capacity))
        self.start = 0
        self.end = 0

    def size(self) -> int:
        """Return how many frames wait. Negative if more frames were discarded than have come."""
        return self.end - self.start

    def claim(self, frames: int) -> Tensor:
        """Append frames. Returns a view of shape (rows, frames) that the caller fills."""
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
        """Return a view of the oldest frames, of shape (rows, frames). So many frames must be there."""
        return self.memory.narrow(1, min(self.start, self.end), frames)

    def discard(self, frames: int) -> None:
        """Remove the oldest frames. Frames that have not come yet are removed when they come."""
        self.start += frames

    def reset(self) -> None:
        """Remove all frames."""
        self.start = 0
        self.end = 0
