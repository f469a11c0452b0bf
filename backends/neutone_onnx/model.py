"""A loaded ONNX model. Its sessions share the graph and weights; each has memory and state of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutone.errors import ModelFileError
from neutone.metadata import ModelMetadata
from neutone.plugins import Model
from neutone_onnx.layout import Layout
from neutone_onnx.session import OnnxSession

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxModel"]


class OnnxModel(Model):
    """What :class:`neutone_onnx.OnnxBackend` loads."""

    def __init__(
        self, inference: onnxruntime.InferenceSession, metadata: ModelMetadata, layout: Layout, model_delay: int
    ) -> None:
        self.metadata = metadata
        self.model_delay = model_delay
        self._inference = inference
        self._layout = layout

    @property
    def input_channels(self) -> int:
        return self._layout.input_channels

    @property
    def output_channels(self) -> int:
        return self._layout.output_channels

    def prepare(self, sample_rate: int, block_size: int) -> OnnxSession:
        """A session, run once on silence. Raises :class:`~neutone.errors.ModelFileError` where it does not run."""
        try:
            return OnnxSession(
                self._inference,
                self._layout,
                block_size,
                self.metadata.look_behind_samples,
                len(self.metadata.parameters),
                takes_any_block=not self.metadata.native_buffer_sizes,
            )
        except Exception as error:  # the runtime's own exception classes have no common root but this
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelFileError(
                f"{self.metadata.model_name} does not run on blocks of {block_size} frames: {reason}"
            ) from error
