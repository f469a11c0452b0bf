"""One of DTLN's two networks, running in memory that is bound once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["STATE_SHAPE", "RecurrentStage"]

STATE_SHAPE = (1, 2, 128, 2)
"""The shape of the state: (batch, LSTM layers, units, hidden and cell state)."""


class RecurrentStage:
    """A network that maps a frame and a state to a frame and the next state. The state alternates between two buffers,
    so that nothing is copied or allocated when the network runs."""

    def __init__(self, inference: onnxruntime.InferenceSession, frame_size: int) -> None:
        self._inference = inference
        self._bound_in = np.zeros((1, 1, frame_size), np.float32)
        self._bound_out = np.zeros((1, 1, frame_size), np.float32)
        self.frame_in = self._bound_in[0, 0]
        self.frame_out = self._bound_out[0, 0]
        self._states = np.zeros((2, *STATE_SHAPE), np.float32)
        self._bindings = [self._bind(source=0, target=1), self._bind(source=1, target=0)]
        self._current = 0

    def _bind(self, source: int, target: int) -> onnxruntime.IOBinding:
        binding = self._inference.io_binding()
        inputs, outputs = self._inference.get_inputs(), self._inference.get_outputs()
        for argument, array in zip(inputs, (self._bound_in, self._states[source]), strict=True):
            binding.bind_input(argument.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for argument, array in zip(outputs, (self._bound_out, self._states[target]), strict=True):
            binding.bind_output(argument.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding

    def run(self) -> None:
        """Run the network from ``frame_in`` to ``frame_out``. If it raises, the state stays what it was."""
        self._inference.run_with_iobinding(self._bindings[self._current])
        self._current = 1 - self._current

    def reset(self) -> None:
        """Return to the initial state."""
        self._states.fill(0.0)
        self._current = 0
