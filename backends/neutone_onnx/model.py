"""A loaded ONNX model. Its sessions share the graph and the weights; each has its own memory and state."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from neutone.errors import ModelFileError, first_line
from neutone.model.metadata import ModelMetadata
from neutone.plugins import Model, Session
from neutone_onnx.layout import Layout
from neutone_onnx.native_model import NativeFile, UnusableError, warn_once
from neutone_onnx.session import OnnxSession

if TYPE_CHECKING:
    import onnxruntime

    from neutone_onnx import _native


class OnnxModel(Model):
    """A model that :class:`neutone_onnx.OnnxBackend` has loaded. With a `native_file`, the first :meth:`prepare` opens
    it through the C API and drops `inference`, so that the weights are not kept twice."""

    def __init__(
        self,
        inference: onnxruntime.InferenceSession,
        metadata: ModelMetadata,
        layout: Layout,
        model_delay: int,
        native_file: NativeFile | None = None,
    ) -> None:
        self.metadata = metadata
        self.model_delay = model_delay
        self._inference: onnxruntime.InferenceSession | None = inference
        self._native_model: _native.Model | None = None
        self._native_file = native_file
        self._opening = threading.Lock()
        self._layout = layout

    @property
    def input_channels(self) -> int:
        return self._layout.input_channels

    @property
    def output_channels(self) -> int:
        return self._layout.output_channels

    def prepare(self, sample_rate: int, block_size: int) -> Session:
        """Make a session and run it once on silence. It is a native session, or one in Python if that is not available
        or not wanted.

        Raises :class:`~neutone.errors.ModelFileError` if the model does not run."""
        self._open_native()
        sizes = (block_size, self.metadata.look_behind_samples, len(self.metadata.parameters))
        takes_any_block = not self.metadata.native_buffer_sizes
        try:
            if self._native_model is not None:
                from neutone_onnx.native_session import NativeOnnxSession

                return NativeOnnxSession(self._native_model, self._layout, *sizes, takes_any_block=takes_any_block)
            return OnnxSession(self._inference, self._layout, *sizes, takes_any_block=takes_any_block)
        except Exception as error:  # the runtime's exception classes have no other base class in common
            reason = first_line(error)
            raise ModelFileError(
                f"{self.metadata.model_name} does not run on blocks of {block_size} frames: {reason}"
            ) from error

    def _open_native(self) -> None:
        """Open the native model, once: two threads may call :meth:`prepare` at the same time."""
        unusable = None
        with self._opening:
            if self._native_file is not None:
                try:
                    self._native_model = self._native_file.open()
                    self._inference = None
                except UnusableError as error:
                    unusable = error
                self._native_file = None
        if unusable is not None:
            warn_once(unusable)
