"""Streaming interpolation between two rates, with exact integer positions: one direction, any number of rows."""

import math

import torch
from torch import Tensor

from neutone.sdk.stream.sliding_buffer import SlidingTensorBuffer


def interpolation_weights(fraction: Tensor, points: int) -> Tensor:
    """Return the weight of each of the points around a position.

    Args:
        fraction: How far each position lies after its frame, 0 <= fraction < 1; float64 of shape (positions,).
        points: 2 for linear interpolation, through the frame and its successor. 4 for third-order Hermite
            interpolation, through the frame before, the frame and two after (Niemitalo, "Polynomial Interpolators for
            High-Quality Resampling of Oversampled Audio", 2001, x-form), with its coefficients collected by point.

    Returns:
        The weights, float32 of shape (points, positions).
    """
    f = fraction
    if points == 2:
        return torch.stack([1.0 - f, f]).to(torch.float32)
    square = f * f
    cube = square * f
    weights = [
        -0.5 * f + square - 0.5 * cube,
        1.0 - 2.5 * square + 1.5 * cube,
        0.5 * f + 2.0 * square - 1.5 * cube,
        -0.5 * square + 0.5 * cube,
    ]
    return torch.stack(weights).to(torch.float32)


class StreamingInterpolator:
    """Interpolates a stream at the ratio ``rate_out / rate_in = L / M`` in lowest terms.

    Output frame j lies at input position ``j M / L``. Its parts ``floor(j M / L)`` and ``(j M) mod L`` are kept as
    integers, so nothing drifts, and the output does not depend on how the input was divided into blocks. Input before
    the first frame is silence. This is a TorchScript class; memory is allocated in the constructor only.

    The indices and weights of L + ``batch`` consecutive outputs are tabulated, so that a call is one gather, one
    product and one sum.

    Args:
        rows: The number of audio rows, which are interpolated with ``points``.
        control_rows: The number of rows after them that are interpolated linearly, at the same positions and with the
            same look-ahead.
        points: 2 (linear) or 4 (Hermite).
        rate_in: The input's sample rate in Hz.
        rate_out: The output's sample rate in Hz.
        pending: The most input frames that wait at a time.
        batch: The number of output frames that are computed in one go.

    >>> double = StreamingInterpolator(1, 0, 2, rate_in=1, rate_out=2, pending=3, batch=4)
    >>> _ = double.claim(3).copy_(torch.tensor([[0.0, 1.0, 2.0]]))
    >>> out = torch.zeros(1, double.available())
    >>> double.generate(out)
    >>> out
    tensor([[0.0000, 0.5000, 1.0000, 1.5000]])
    """

    def __init__(
        self, rows: int, control_rows: int, points: int, rate_in: int, rate_out: int, pending: int, batch: int
    ) -> None:
        divisor = math.gcd(rate_in, rate_out)
        self.L = rate_out // divisor
        self.M = rate_in // divisor
        self.is_copy = self.L == self.M
        self.rows = rows
        self.control_rows = control_rows
        self.points = 1 if self.is_copy else points
        self.before = 0 if self.is_copy else points // 2 - 1
        self.batch = max(batch, 1)
        self.history = SlidingTensorBuffer(rows + control_rows, pending + self.points)
        self.phase = 0  # of the next output: its position is phase / L after frame `history.start + before`
        self.turn = 0  # the number of outputs so far, modulo L

        length = 0 if self.is_copy else self.L + self.batch
        turns = torch.arange(length, dtype=torch.int64)
        travelled = turns * self.M
        positions = torch.div(travelled, self.L, rounding_mode="floor")
        fractions = (travelled - positions * self.L).to(torch.float64) / float(self.L)
        self.table = positions.unsqueeze(0) + torch.arange(self.points, dtype=torch.int64).unsqueeze(1)
        self.weights = interpolation_weights(fractions, points)
        self.control_weights = torch.zeros((points, length))
        self.control_weights.narrow(0, points // 2 - 1, 2).copy_(interpolation_weights(fractions, 2))
        scratch = 0 if self.is_copy else self.points * self.batch
        self.index = torch.zeros((scratch,), dtype=torch.int64)
        self.gathered = torch.zeros(((rows + control_rows) * scratch,))
        self.base = torch.zeros((), dtype=torch.int64)
        self.reset()

    def reset(self) -> None:
        """Return to the state after the constructor."""
        self.history.reset()
        self.history.claim(self.before).zero_()
        self.phase = 0
        self.turn = 0

    def claim(self, frames: int) -> Tensor:
        """Append input frames. Returns a view of shape (rows + control_rows, frames) that the caller fills."""
        return self.history.claim(frames)

    def available(self) -> int:
        """Return how many output frames can be computed from the input so far."""
        whole = self.history.size() - self.points + 1
        if whole <= 0:
            return 0
        return (whole * self.L - self.phase + self.M - 1) // self.M

    def generate(self, out: Tensor) -> None:
        """Fill ``out``, of shape (rows + control_rows, frames), with the next frames.
        So many frames must be available."""
        count = out.size(1)
        if self.is_copy:
            out.copy_(self.history.peek(count))
            self.history.discard(count)
            return
        done = 0
        while done < count:
            some = min(count - done, self.batch)
            self._generate_batch(out if some == count else out.narrow(1, done, some), some)
            done += some

    def _generate_batch(self, out: Tensor, count: int) -> None:
        rows = self.rows + self.control_rows
        size = self.points * count
        # The table counts from the first of the L positions, which may have left the history.
        self.base.fill_(self.history.start - self.turn * self.M // self.L)
        index = self.index.narrow(0, 0, size)
        torch.add(self.table.narrow(1, self.turn, count), self.base, out=index.view(self.points, count))
        gathered = self.gathered.narrow(0, 0, rows * size)
        torch.index_select(self.history.memory, 1, index, out=gathered.view(rows, size))
        points = gathered.view(rows, self.points, count)
        weights = self.weights.narrow(1, self.turn, count)
        if self.control_rows == 0:
            points.mul_(weights)
        else:
            points.narrow(0, 0, self.rows).mul_(weights)
            points.narrow(0, self.rows, self.control_rows).mul_(self.control_weights.narrow(1, self.turn, count))
        torch.sum(points, 1, out=out)

        travelled = self.phase + count * self.M
        self.history.discard(travelled // self.L)
        self.phase = travelled % self.L
        self.turn = (self.turn + count) % self.L
