"""Run a wrapped model in fixed memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from neutone.errors import InferenceError
from neutone.plugins import Session
from neutone_torch.runtime import Inference, require_torch

if TYPE_CHECKING:
    from neutone.model.metadata import ModelMetadata
    from neutone.sdk import WaveformToWaveformBase


class PythonSession(Session):
    """A stream through a copy of the model, in PyTorch's inference mode. Models that compute gradients while they run
    do not work.

    The stream keeps the look-behind of the audio, the model that of the parameters. ``fresh`` is a function that
    returns a new copy of the model, as it was loaded, at each call."""

    def __init__(
        self,
        fresh: Callable[[], WaveformToWaveformBase],
        metadata: ModelMetadata,
        sample_rate: int,
        block_size: int,
        threads: int,
    ) -> None:
        self._torch = require_torch()
        self._fresh = fresh
        self._settings = sample_rate, block_size
        self._threads = threads
        self._look_behind = metadata.look_behind_samples
        self._rows = metadata.parameter_rows
        self.allocate(
            input_channels=1 if metadata.is_input_mono else 2,
            output_channels=1 if metadata.is_output_mono else 2,
            parameters=len(self._rows),
            block_size=block_size,
            look_behind=self._look_behind,
        )
        self._wrapper: WaveformToWaveformBase | None = self._open()
        self.model_delay = int(self._wrapper.calc_model_delay_samples())

    def _open(self) -> WaveformToWaveformBase:
        wrapper = self._fresh()
        wrapper.set_sample_rate_and_buffer_size(*self._settings)
        wrapper.reset()
        return wrapper

    def run(self, frames: int) -> None:
        if self._wrapper is None:
            raise InferenceError("the session is closed")
        with Inference(self._torch, self._threads):
            # Clone: the model may keep a piece of its input, and this memory is written to again.
            audio = self._packed(self.audio_in, self._look_behind + frames).clone()
            params = self._torch.zeros(self._wrapper.max_parameters, frames)
            params[self._rows] = self._packed(self.params, frames)
            # Without look-behind, `forward` does the same, and also checks its input in debug mode.
            process = self._wrapper.process_window if self._look_behind else self._wrapper.forward
            answer = process(audio, params)
            out = self._packed(self.audio_out, frames)
            if answer.shape != out.shape:
                raise InferenceError(f"the model returns {tuple(answer.shape)}, expected {tuple(out.shape)}")
            out.copy_(answer)

    def _packed(self, array: np.ndarray[Any, np.dtype[np.float32]], frames: int) -> Any:
        rows = len(array)
        return self._torch.from_numpy(array).view(-1)[: rows * frames].view(rows, frames)

    def reset(self) -> None:
        with Inference(self._torch, self._threads):
            # By convention, a model returns False if its author defined no reset of its state.
            if self._wrapper is None or not self._wrapper.reset():
                self._wrapper = self._open()

    def close(self) -> None:
        self._wrapper = None
