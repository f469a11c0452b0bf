"""Run a graph in fixed memory: tensors are bound once, and state alternates between two buffers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neutone.plugins import Session
from neutone_onnx.layout import Layout
from neutone_onnx.runtime import require_runtime

if TYPE_CHECKING:
    import onnxruntime

MAX_BINDINGS = 256


class Bindings(NamedTuple):
    """The three bindings for one block size. State is read from where the previous run wrote it."""

    first: onnxruntime.IOBinding
    """Reads the initial state, and writes buffer 0."""
    forward: onnxruntime.IOBinding
    """Reads buffer 0, and writes buffer 1."""
    back: onnxruntime.IOBinding
    """Reads buffer 1, and writes buffer 0."""


class OnnxSession(Session):
    """A stream through an ONNX graph, run through Python."""

    def __init__(
        self,
        inference: onnxruntime.InferenceSession,
        layout: Layout,
        block_size: int,
        look_behind: int,
        parameters: int,
        *,
        takes_any_block: bool,
    ) -> None:
        self._inference = inference
        self._layout = layout
        self._look_behind = look_behind
        self.allocate(
            input_channels=layout.input_channels,
            output_channels=layout.output_channels,
            parameters=parameters,
            block_size=block_size,
            look_behind=look_behind,
        )
        self._initial = [np.zeros(state.shape, state.element_type) for state in layout.states]
        self._states: list[list[NDArray[np.generic]]] = [
            [np.zeros(state.shape, state.element_type) for state in layout.states] for _ in range(2)
        ]
        self._bindings: dict[int, Bindings] = {}
        # -1: the next run starts from the initial state; otherwise the number of the buffer that holds the state.
        self._current = -1
        runtime = require_runtime()
        self._run_options = runtime.RunOptions()
        self._run_options.log_severity_level = 4  # what it would print is in the error that it raises
        self._warm_up(block_size, takes_any_block)

    def _warm_up(self, block_size: int, takes_any_block: bool) -> None:
        """Run once on silence before audio flows: the runtime plans its memory in the first run of a block size."""
        self._try(block_size)
        if takes_any_block and block_size > 1:
            # Resampling delivers the largest block or one frame less. A model that takes some sizes only can still run
            # if the host's blocks never vary.
            with contextlib.suppress(Exception):
                self._try(block_size - 1)
        self.reset()

    def _try(self, frames: int) -> None:
        for binding in self._bind(frames):
            self._inference.run_with_iobinding(binding, self._run_options)

    def _bind(self, frames: int) -> Bindings:
        if len(self._bindings) >= MAX_BINDINGS:  # many different block sizes must not fill the memory
            self._bindings.clear()
        made = Bindings(
            self._make_binding(frames, None, 0), self._make_binding(frames, 0, 1), self._make_binding(frames, 1, 0)
        )
        self._bindings[frames] = made
        return made

    def _make_binding(self, frames: int, source: int | None, target: int) -> onnxruntime.IOBinding:
        layout = self._layout
        binding = self._inference.io_binding()

        def bind_input(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> None:
            binding.bind_input(name, "cpu", 0, array.dtype.type, shape, array.ctypes.data)

        bind_input(layout.audio_in, self.audio_in, (*layout.audio_in_leading, self._look_behind + frames))
        if layout.params is not None:
            bind_input(layout.params, self.params, (len(self.params), frames))
        for index, state in enumerate(layout.states):
            if source is not None:
                bind_input(state.input_name, self._states[source][index], state.shape)
            elif not state.has_initializer:
                bind_input(state.input_name, self._initial[index], state.shape)
        binding.bind_output(
            layout.audio_out, "cpu", 0, np.float32, (*layout.audio_out_leading, frames), self.audio_out.ctypes.data
        )
        for index, state in enumerate(layout.states):
            binding.bind_output(
                state.output_name, "cpu", 0, state.element_type, state.shape, self._states[target][index].ctypes.data
            )
        return binding

    def run(self, frames: int) -> None:
        bindings = self._bindings.get(frames) or self._bind(frames)
        # If a run raises, the state stays what it was.
        if self._current == 0:
            self._inference.run_with_iobinding(bindings.forward, self._run_options)
            self._current = 1
        else:
            self._inference.run_with_iobinding(
                bindings.first if self._current < 0 else bindings.back, self._run_options
            )
            self._current = 0

    def reset(self) -> None:
        self._current = -1

    def close(self) -> None:
        self._bindings.clear()
