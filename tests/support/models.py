"""Small models with known outputs that need no runtime, for tests of the engine."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neutone.model.metadata import ModelMetadata
from neutone.plugins import Model, Session

Run = Callable[["FunctionSession", int], None]


class ArraySession(Session):
    """The arrays that the contract of sessions requires, and how blocks lie in them."""

    def __init__(self, model: Model, block: int) -> None:
        metadata = model.metadata
        self.look_behind = metadata.look_behind_samples
        self.allocate(
            input_channels=model.input_channels,
            output_channels=model.output_channels,
            parameters=len(metadata.parameters),
            block_size=block,
            look_behind=self.look_behind,
        )

    def packed(self, array: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Return the first rows x frames floats of an array, as the contract packs them."""
        rows = array.shape[0]
        return array.reshape(-1)[: rows * frames].reshape(rows, frames)


class FunctionSession(ArraySession):
    def __init__(self, model: "FunctionModel", rate: int, block: int) -> None:
        super().__init__(model, block)
        self.rate = rate
        self.resets = 0
        self.runs: list[int] = []
        self.closed = False
        self._function = model.function

    def run(self, frames: int) -> None:
        self.runs.append(frames)
        audio = self.packed(self.audio_in, self.look_behind + frames)
        out = self.packed(self.audio_out, frames)
        self._function(audio, self.packed(self.params, frames), out)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


class FunctionModel(Model):
    """A model whose output is filled by function(audio (C_in, N_LB + n), params (P, n), out (C_out, n))."""

    def __init__(self, function=None, *, channels=(2, 2), rates=(), blocks=(), parameters=(), look_behind=0, delay=0):
        self.function = function or pass_through
        self._channels = channels
        self.model_delay = delay
        self.sessions: list[FunctionSession] = []
        self.metadata = ModelMetadata(
            model_name="test",
            native_sample_rates=list(rates),
            native_buffer_sizes=list(blocks),
            look_behind_samples=look_behind,
            neutone_parameters={f"p{i + 1}": parameter for i, parameter in enumerate(parameters)},
        )

    @property
    def input_channels(self) -> int:
        return self._channels[0]

    @property
    def output_channels(self) -> int:
        return self._channels[1]

    def prepare(self, sample_rate: int, block_size: int) -> FunctionSession:
        self.sessions.append(FunctionSession(self, sample_rate, block_size))
        return self.sessions[-1]


def pass_through(audio, params, out):
    frames = out.shape[1]
    for channel in range(len(out)):
        out[channel] = audio[channel % len(audio), audio.shape[1] - frames :]


def multiply(audio, params, out):
    out[...] = audio[:, audio.shape[1] - out.shape[1] :] * params[0]


def knob(name="amount", default=0.5, low=0.0, high=1.0):
    return {"type": "continuous", "name": name, "default_value": default, "min_value": low, "max_value": high}


def run(engine, audio, params=None, sizes=None):
    """Run a whole signal through `process`, in blocks of the engine's size or of the given sizes, and return the
    output."""
    outputs, start = [], 0
    sizes = iter(sizes) if sizes is not None else None
    while start < audio.shape[1]:
        size = engine.block_size if sizes is None else next(sizes)
        stop = start + size
        curves = params[:, start:stop] if isinstance(params, np.ndarray) else params
        outputs.append(engine.process(np.ascontiguousarray(audio[:, start:stop]), params=curves).copy())
        start = stop
    return np.concatenate(outputs, axis=1)


def noise(channels, frames, seed=0, level=0.5):
    return np.random.default_rng(seed).uniform(-level, level, (channels, frames)).astype(np.float32)
