"""The session that runs without the GIL: a compiled one on memory of its own."""

from __future__ import annotations

import contextlib

import numpy as np

from neutone.errors import InferenceError
from neutone.plugins import Session
from neutone_onnx import _native
from neutone_onnx.layout import Layout


class NativeOnnxSession(Session):
    """One stream through an ONNX graph, the same numbers as :class:`neutone_onnx.OnnxSession`."""

    def __init__(
        self,
        model: _native.Model,
        layout: Layout,
        block_size: int,
        look_behind: int,
        parameters: int,
        *,
        takes_any_block: bool,
    ) -> None:
        self._session = _native.Session(model, _native_layout(layout), block_size, look_behind, parameters)
        self._session.warm_up(block_size)
        if takes_any_block and block_size > 1:
            # Resampling delivers the largest block or one frame less. A model that takes some sizes only can still run
            # if the host's blocks never vary.
            with contextlib.suppress(RuntimeError):
                self._session.warm_up(block_size - 1)
        self._session.reset()
        self.audio_in = self._session.audio_in()
        self.params = self._session.params()
        self.audio_out = self._session.audio_out()
        self.native = self._session.capsule()

    def run(self, frames: int) -> None:
        if self._session.run(frames) != 0:
            raise InferenceError(self._session.error())

    def reset(self) -> None:
        self._session.reset()

    def close(self) -> None:
        self._session.close()


def _native_layout(layout: Layout) -> _native.Layout:
    return _native.Layout(
        audio_in=layout.audio_in,
        audio_in_leading=layout.audio_in_leading,
        audio_out=layout.audio_out,
        audio_out_leading=layout.audio_out_leading,
        params=layout.params,
        states=[
            _native.State(
                input_name=state.input_name,
                output_name=state.output_name,
                shape=state.shape,
                element_type=np.dtype(state.element_type).name,
                has_initializer=state.has_initializer,
            )
            for state in layout.states
        ],
    )
