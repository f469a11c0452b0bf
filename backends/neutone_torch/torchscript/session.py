"""Run a module in fixed memory: PyTorch sees the stream's arrays as tensors, made once per block size."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neutone.errors import InferenceError
from neutone.limits import HOST_PARAMETERS
from neutone.plugins import Session
from neutone_torch.runtime import Inference, require_torch
from neutone_torch.torchscript.program import Program

if TYPE_CHECKING:
    import torch

MAX_VIEWS = 256
WARM_UP_RUNS = 3
"""The TorchScript executor watches the first run, and compiles in the second."""


class Views(NamedTuple):
    """Views of the session's memory for one number of frames."""

    audio_in: torch.Tensor
    """The input without look-behind, of shape (C_in, frames) or (1, C_in, frames)."""
    params: torch.Tensor | None
    """The rows that the model takes, of shape (4, frames)."""
    declared: torch.Tensor | None
    """The declared parameters, of shape (P, frames), to be copied into rows of ``params``;
    None if they are its first rows already."""
    audio_out: torch.Tensor
    """The output, of shape (C_out, frames) or (1, C_out, frames)."""


class TorchScriptSession(Session):
    """A stream through a copy of the module.

    Everything that touches the copy runs in PyTorch's inference mode. So tensors that one block leaves in the module's
    state can be changed in place by the next. Models that compute gradients while they run do not work.
    """

    def __init__(
        self, program: Program, sample_rate: int, block_size: int, threads: int, model_delay: int | None
    ) -> None:
        self._torch = require_torch()
        self._program = program
        self._sample_rate = sample_rate
        self._block_size = block_size
        self._threads = threads
        self._look_behind = program.metadata.look_behind_samples
        rows = program.parameter_rows
        declared = len(program.metadata.parameters)
        self.allocate(
            input_channels=program.input_leading[-1],
            output_channels=program.output_leading[-1],
            parameters=declared,
            block_size=block_size,
            look_behind=self._look_behind,
        )
        # The model takes all rows. If the declared ones come first, they share its memory; otherwise they are copied.
        self._all_params = np.zeros((HOST_PARAMETERS, block_size), np.float32)
        self._shares_params = rows == tuple(range(declared))
        if self._shares_params:
            self.params = self._all_params[:declared]
        self._views: dict[int, Views] = {}
        self._frames = block_size
        with Inference(self._torch, threads):
            self._rows = None if rows is None else self._torch.tensor(rows, dtype=self._torch.int64)
            self._module: Any = program.open(sample_rate, block_size)
            self.model_delay = program.delay(self._module) if model_delay is None else model_delay
            self._warm_up()

    def _warm_up(self) -> None:
        """Run a copy on silence: its state is thrown away, but what the executor has learnt stays with the code."""
        scratch = self._program.open(self._sample_rate, self._block_size)
        for _ in range(WARM_UP_RUNS):
            self._call(scratch, self._view(self._block_size))
        if not self._program.metadata.native_buffer_sizes and self._block_size > 1:
            # Resampling delivers the largest block or one frame less. A model that claims to take any size, but needs
            # it to be announced, can still run if the host's blocks never vary.
            with contextlib.suppress(Exception):
                for _ in range(WARM_UP_RUNS):
                    self._call(scratch, self._view(self._block_size - 1))
        self.audio_out.fill(0.0)

    def _view(self, frames: int) -> Views:
        if len(self._views) >= MAX_VIEWS:  # many different block sizes must not fill the memory
            self._views.clear()
        program, declared = self._program, len(self.params)
        views = Views(
            self._packed(self.audio_in, program.input_leading, self._look_behind + frames)[..., self._look_behind :],
            self._packed(self._all_params, (HOST_PARAMETERS,), frames) if program.is_wrapped else None,
            None if self._shares_params or not program.is_wrapped else self._packed(self.params, (declared,), frames),
            self._packed(self.audio_out, program.output_leading, frames),
        )
        self._views[frames] = views
        return views

    def _packed(self, array: np.ndarray[Any, np.dtype[np.float32]], leading: tuple[int, ...], frames: int) -> Any:
        shape = (*leading, frames)
        return self._torch.from_numpy(array).view(-1)[: int(np.prod(shape))].view(shape)

    def run(self, frames: int) -> None:
        with Inference(self._torch, self._threads):
            views = self._views.get(frames) or self._view(frames)
            if frames != self._frames:
                self._frames = frames
                if views.params is not None:
                    # Other block sizes packed declared values into what are the unused rows now.
                    views.params[len(self.params) if self._shares_params else 0 :].zero_()
            self._call(self._module, views)

    def _call(self, module: Any, views: Views) -> None:
        # Clone: a module may keep a piece of its input, and the next block is written to the same memory.
        if views.params is None:
            out = module(views.audio_in.clone())
        else:
            if views.declared is not None:
                views.params[self._rows] = views.declared
            out = module.forward(views.audio_in.clone(), views.params.clone())
        expected = views.audio_out.shape
        if out.shape != expected:
            if self._look_behind and out.shape[:-1] == expected[:-1] and out.shape[-1] > expected[-1]:
                # A model with look-behind returns whole blocks; its newest frames are the output for this block.
                out = out[..., -expected[-1] :]
            else:
                raise InferenceError(f"the model returns {tuple(out.shape)}, expected {tuple(expected)}")
        views.audio_out.copy_(out)

    def reset(self) -> None:
        with Inference(self._torch, self._threads):
            if not self._program.restart(self._module):
                self._module = self._program.open(self._sample_rate, self._block_size)

    def close(self) -> None:
        self._views.clear()
        self._module = None
