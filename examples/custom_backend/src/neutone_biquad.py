"""Biquad filter cascades as neutone models: a complete backend in one file.

A ``.biquad`` file is TOML: ``name``, ``sample_rate`` (Hz), and for each ``[[section]]`` the coefficients ``b`` and
``a`` of H(z) = (b0 + b1/z + b2/z^2) / (1 + a1/z + a2/z^2).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neutone import ModelMetadata
from neutone.errors import ConfigurationError, ModelFileError
from neutone.parameters import ContinuousNeutoneParameter
from neutone.plugins import Backend, Model, Session

Array = NDArray[np.float32]

CHANNELS = 2


class BiquadSession(Session):
    """A stream through the cascade."""

    def __init__(self, sections: NDArray[np.float64], parameters: int, block_size: int) -> None:
        # The stream writes and reads these arrays, so they must not move.
        self.audio_in = np.zeros((CHANNELS, block_size), np.float32)
        self.params = np.zeros((parameters, block_size), np.float32)
        self.audio_out = np.zeros((CHANNELS, block_size), np.float32)
        self._sections = sections.tolist()  # a loop over Python floats is faster than one over NumPy scalars
        self._state = np.zeros((CHANNELS, len(sections), 2)).tolist()

    def run(self, frames: int) -> None:
        audio, out = packed(self.audio_in, frames), packed(self.audio_out, frames)
        (mix,) = packed(self.params, frames)  # a value for every frame, so that automation has no steps
        for channel in range(CHANNELS):
            filtered = self._filter(audio[channel].tolist(), self._state[channel])
            out[channel] = audio[channel] + mix * (filtered - audio[channel])

    def _filter(self, samples: list[float], states: list[list[float]]) -> Array:
        for (b0, b1, b2, _, a1, a2), state in zip(self._sections, states, strict=True):
            s1, s2 = state
            for index, x in enumerate(samples):  # transposed direct form II
                y = b0 * x + s1
                s1 = b1 * x - a1 * y + s2
                s2 = b2 * x - a2 * y
                samples[index] = y
            state[:] = s1, s2  # the next block goes on from here
        return np.array(samples, np.float32)

    def reset(self) -> None:
        for states in self._state:
            for state in states:
                state[:] = 0.0, 0.0


def packed(array: Array, frames: int) -> Array:
    """Return the (rows, frames) tensor at the start of the memory.
    If a block is smaller than the session's, its rows follow each other without a gap."""
    return array.reshape(-1)[: len(array) * frames].reshape(len(array), frames)


class BiquadModel(Model):
    """The contents of a file. Sessions share the coefficients; each has its own state."""

    def __init__(self, name: str, sample_rate: int, sections: NDArray[np.float64]) -> None:
        mix = ContinuousNeutoneParameter(name="mix", description="0: dry, 1: filtered", default_value=1.0)
        self.metadata = ModelMetadata(
            model_name=name,
            native_sample_rates=[sample_rate],  # coefficients hold for one rate only; the stream resamples others
            native_buffer_sizes=[],  # any block size, so the stream adds no buffering
            neutone_parameters={"p1": mix},
        )
        self._sections = sections

    def prepare(self, sample_rate: int, block_size: int) -> BiquadSession:
        return BiquadSession(self._sections, len(self.metadata.parameters), block_size)


class BiquadBackend(Backend):
    """The plug-in. ``pyproject.toml`` names it under ``neutone.backends``."""

    name: ClassVar[str] = "biquad"
    suffixes: ClassVar[tuple[str, ...]] = (".biquad",)

    def load(self, path: str | Path, **options: Any) -> BiquadModel:
        if options:
            raise ConfigurationError(f"the biquad backend has no option {next(iter(options))!r}; it takes none")
        try:
            fields = tomllib.loads(Path(path).read_text(encoding="utf-8"))  # the contract asks for FileNotFoundError
            sections = np.array([[*section["b"], *section["a"]] for section in fields["section"]], float)
            if sections.ndim != 2 or sections.shape[1] != 6 or not np.isfinite(sections).all():
                raise ValueError("each section needs three finite coefficients b and three a")
            a0, a1, a2 = sections[:, 3:].T
            if np.any(a0 != 1.0) or np.any(np.abs(a2) >= 1.0) or np.any(np.abs(a1) >= 1.0 + a2):
                raise ValueError("a section has a0 other than 1, or a pole on or outside the unit circle")
            return BiquadModel(fields["name"], fields["sample_rate"], sections)
        except (KeyError, TypeError, ValueError) as error:  # includes errors of tomllib, Unicode and ModelMetadata
            raise ModelFileError(f"{path} is not a biquad cascade: {type(error).__name__}: {error}") from error
