"""Pass-through models of every kind that an engine may meet. They also check what they are given."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neutone.errors import ModelFileError
from neutone.model.metadata import ModelMetadata
from neutone.plugins import Model
from support.models import ArraySession

__all__ = ["Faults", "OnPurposeError", "ProbeModel"]

Array = NDArray[np.float32]

COMMON_RATES = (8_000, 22_050, 44_100, 48_000, 96_000, 192_000)
COMMON_BLOCKS = (1, 2, 7, 64, 101, 128, 509, 512, 1000, 2048)
SLOW_RUNS = 8
MOST_BLOCKS_A_SECOND = 16_000
"""The most model blocks in a second. In Python each takes 20 µs, and one block of a slow host may bring a quarter of a
second."""


class OnPurposeError(Exception):
    """The error that a model raises because it was told to."""


@dataclass
class Faults:
    """The faults of a model: what goes wrong in which run, counted over all its sessions."""

    due: dict[int, str] = field(default_factory=dict)
    """A mapping from the number of a run (from 0) to "raise", "nan", "inf" or "huge"."""
    slow: float = 0.0
    """The seconds that every eighth run takes."""
    runs: int = 0
    fired: int = 0
    """The number of faults so far."""
    raised: int = 0
    """The number of faults so far that raised an error."""
    prepare_fails: bool = False
    """Whether the next session cannot be made."""

    @classmethod
    def draw(cls, rng: random.Random) -> Faults:
        if rng.random() < 0.6:
            return cls()
        kinds = ["raise", "nan", "inf", "huge"]
        return cls({rng.randrange(200): rng.choice(kinds) for _ in range(rng.randrange(1, 6))})

    def next(self) -> str | None:
        kind = self.due.get(self.runs)
        self.runs += 1
        if kind is not None:
            self.raised += kind == "raise"
            self.fired += 1
        return kind


class ProbeSession(ArraySession):
    """Passes audio on, `delay` frames late, times the first parameter if the model has a gain."""

    def __init__(self, model: ProbeModel, rate: int, block: int) -> None:
        super().__init__(model, block)
        self.rate, self.block = rate, block
        self.model_delay = model.delay if model.delay_is_the_sessions else None
        self._model = model
        self._inside = threading.Lock()
        self.reset()
        self._seen = np.zeros((model.input_channels, self.look_behind), np.float32)

    def reset(self) -> None:
        self._late = np.zeros((len(self.audio_out), self._model.delay), np.float32)
        self._was_reset = True

    def close(self) -> None:
        if not self._inside.acquire(blocking=False):
            self._model.complain("close was called while the session ran")
            return
        self._inside.release()

    def run(self, frames: int) -> None:
        if not self._inside.acquire(blocking=False):
            self._model.complain("two threads ran one session at the same time")
            return
        try:
            self._run(frames)
        finally:
            self._inside.release()

    def _run(self, frames: int) -> None:
        model, faults = self._model, self._model.faults
        audio, params = self.packed(self.audio_in, self.look_behind + frames), self.packed(self.params, frames)
        self._check(audio, params, frames)
        self._seen = np.concatenate([self._seen, audio[:, self.look_behind :]], 1)[:, frames:]
        self._was_reset = False
        new = audio[np.arange(len(self.audio_out)) % len(audio), self.look_behind :]
        if model.has_gain:
            with np.errstate(all="ignore"):
                new = new * params[0]
        joined = np.concatenate([self._late, new], 1)
        out = self.packed(self.audio_out, frames)
        out[...] = joined[:, :frames]
        self._late = joined[:, frames:]
        if faults.slow and faults.runs % SLOW_RUNS == 0:
            time.sleep(faults.slow)
        fault = faults.next()
        if fault == "raise":
            raise OnPurposeError("on purpose")
        if fault is not None:
            value = {"nan": np.nan, "inf": -np.inf, "huge": 1e38}[fault]
            out[:, :: 1 + faults.runs % 3] = value

    def _check(self, audio: Array, params: Array, frames: int) -> None:
        complain, blocks = self._model.complain, self._model.metadata.native_buffer_sizes
        if not (frames == self.block if blocks else 1 <= frames <= self.block):
            complain(f"a session of {self.block} frames was run on {frames}, blocks {blocks}")
        if not np.isfinite(audio).all():
            complain("the model was given a sample that is not finite")
        if not ((params >= 0) & (params <= 1)).all():
            complain("the model was given a parameter outside 0..1")
        before = audio[:, : self.look_behind]
        if not np.array_equal(before, self._seen) and not (self._was_reset and not before.any()):
            complain("the look-behind is not what came before")
        if self._was_reset and not before.any():
            self._seen[...] = 0


class ProbeModel(Model):
    """A random pass-through model. `complaints` lists what was wrong with the calls of its sessions."""

    def __init__(self, rng: random.Random, host_rate: int) -> None:
        channels = rng.choice([(1, 1), (1, 1), (2, 2), (2, 2), (1, 2), (2, 1), (3, 3), (6, 2), (17, 5)])
        self._channels = channels
        others = [rng.choice(COMMON_RATES) for _ in range(rng.randrange(3))]
        rates: list[int] = rng.choice([[], [host_rate], [host_rate, *others], others, [rng.randint(1000, 384_000)]])
        blocks = sorted({rng.choice(COMMON_BLOCKS) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))})
        least = max(rates, default=0) // MOST_BLOCKS_A_SECOND
        blocks = sorted({max(block, least) for block in blocks})
        count = rng.choice([0, 0, 1, 1, 2, 9])
        self.has_gain = count > 0 and rng.random() < 0.7
        self.delay = rng.choice([0, 0, 0, 1, 5, 64, 777])
        self.delay_is_the_sessions = rng.random() < 0.5
        self.model_delay = 0 if self.delay_is_the_sessions else self.delay
        self.faults = Faults.draw(rng)
        self.complaints: list[str] = []
        self.metadata = ModelMetadata(
            model_name="probe",
            native_sample_rates=[rate for rate in rates if rate <= 384_000],
            native_buffer_sizes=blocks,
            look_behind_samples=rng.choice([0, 0, 0, 1, 13, 512, 3000]),
            neutone_parameters={
                f"p{i + 1}": {"name": f"knob {i}", "default_value": 0.5, "type": "continuous"} for i in range(count)
            },
        )

    def complain(self, text: str) -> None:
        self.complaints.append(text)

    @property
    def input_channels(self) -> int:
        return self._channels[0]

    @property
    def output_channels(self) -> int:
        return self._channels[1]

    def prepare(self, sample_rate: int, block_size: int) -> ProbeSession:
        metadata = self.metadata
        if metadata.native_sample_rates and sample_rate not in metadata.native_sample_rates:
            self.complain(f"prepare at {sample_rate} Hz, native {metadata.native_sample_rates}")
        if metadata.native_buffer_sizes and block_size not in metadata.native_buffer_sizes:
            self.complain(f"prepare for {block_size} frames, native {metadata.native_buffer_sizes}")
        if self.faults.prepare_fails:
            self.faults.prepare_fails = False
            raise ModelFileError("no session, on purpose")
        return ProbeSession(self, sample_rate, block_size)
