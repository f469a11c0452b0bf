"""A first-in, first-out queue of audio frames in preallocated memory, usable in TorchScript."""

import torch
from torch import Tensor


class CircularInplaceTensorQueue:
    """A queue of the newest ``max_size`` frames.

    Memory is allocated in the constructor only; pushing and popping copy in at most two pieces. This is a TorchScript
    class: use it as an attribute of a module that is scripted, or make it inside scripted code.

    Args:
        n_ch: The number of channels, at least 1.
        max_size: The number of frames that it can hold, at least 1.
        use_debug_mode: Check shapes at each call.

    Raises:
        ValueError: There is no channel or no frame; or in debug mode, the shape of a tensor is not (n_ch, frames).

    >>> queue = CircularInplaceTensorQueue(n_ch=1, max_size=4)
    >>> queue.push(torch.tensor([[1.0, 2.0, 3.0]]))
    >>> out = torch.zeros(1, 2)
    >>> queue.pop(out), out.tolist(), queue.size
    (2, [[1.0, 2.0]], 1)
    """

    def __init__(self, n_ch: int, max_size: int, use_debug_mode: bool = True) -> None:
        if n_ch < 1 or max_size < 1:
            raise ValueError("a queue needs at least one channel and one frame")
        self.use_debug_mode = use_debug_mode
        self.max_size = max_size
        self.queue = torch.zeros((n_ch, max_size))
        self.start_idx = 0
        self.size = 0

    def _check(self, x: Tensor) -> None:
        if self.use_debug_mode and (x.dim() != 2 or x.size(0) != self.queue.size(0)):
            raise ValueError(f"shape {x.size()} in a queue of {self.queue.size(0)} channels: not (channels, frames)")

    def push(self, x: Tensor) -> None:
        """Append frames of shape (n_ch, frames). If there is no room, the oldest frames are overwritten."""
        self._check(x)
        n = x.size(1)
        if n > self.max_size:
            x = x.narrow(1, n - self.max_size, self.max_size)
            n = self.max_size
        if n == 0:
            return
        end = (self.start_idx + self.size) % self.max_size
        first = min(n, self.max_size - end)
        self.queue.narrow(1, end, first).copy_(x.narrow(1, 0, first))
        if first < n:
            self.queue.narrow(1, 0, n - first).copy_(x.narrow(1, first, n - first))
        overwritten = max(0, self.size + n - self.max_size)
        self.start_idx = (self.start_idx + overwritten) % self.max_size
        self.size += n - overwritten

    def fill(self, out: Tensor) -> int:
        """Copy the oldest frames to the beginning of ``out``, of shape (n_ch, frames), and keep them in the queue.

        Returns how many frames were copied: as many as there are and fit. The rest of ``out`` is not changed."""
        self._check(out)
        n = min(out.size(1), self.size)
        if n == 0:
            return 0
        first = min(n, self.max_size - self.start_idx)
        out.narrow(1, 0, first).copy_(self.queue.narrow(1, self.start_idx, first))
        if first < n:
            out.narrow(1, first, n - first).copy_(self.queue.narrow(1, 0, n - first))
        return n

    def peek(self, out: Tensor) -> int:
        """Do the same as :meth:`fill`."""
        return self.fill(out)

    def pop(self, out: Tensor) -> int:
        """Copy the oldest frames as :meth:`fill` does, and remove them from the queue. Returns how many there were."""
        n = self.fill(out)
        self.start_idx = (self.start_idx + n) % self.max_size
        self.size -= n
        return n

    def is_empty(self) -> bool:
        """Return whether the queue has no frames."""
        return self.size == 0

    def is_full(self) -> bool:
        """Return whether the queue has ``max_size`` frames."""
        return self.size == self.max_size

    def reset(self) -> None:
        """Remove all frames."""
        self.start_idx = 0
        self.size = 0
