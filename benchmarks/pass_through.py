"""A model that passes audio through and costs nothing, to time the stream around it."""

from __future__ import annotations

import numpy as np

from neutone import ModelMetadata
from neutone.plugins import Model, Session

__all__ = ["PassThrough"]


class PassThroughSession(Session):
    def __init__(self, channels: int, block_size: int, parameters: int) -> None:
        self.audio_in = np.zeros((channels, block_size), np.float32)
        self.audio_out = self.audio_in
        self.params = np.zeros((parameters, block_size), np.float32)

    def run(self, frames: int) -> None:
        pass


class PassThrough(Model):
    """A stereo model with the given number of parameters, at a rate (Hz) and block size (frames); None for any."""

    def __init__(self, sample_rate: int | None = 44_100, block_size: int | None = 2048, parameters: int = 4) -> None:
        self.metadata = ModelMetadata(
            model_name="pass-through",
            native_sample_rates=[] if sample_rate is None else [sample_rate],
            native_buffer_sizes=[] if block_size is None else [block_size],
            neutone_parameters={
                f"p{i + 1}": {"type": "continuous", "name": f"parameter {i + 1}", "default_value": 0.5}
                for i in range(parameters)
            },
        )

    def prepare(self, sample_rate: int, block_size: int) -> PassThroughSession:
        return PassThroughSession(2, block_size, len(self.metadata.parameters))
