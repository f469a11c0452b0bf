"""Calls that an engine must refuse, and that must leave it as it was."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from fuzz.engine_arrays import bad_audio
from fuzz.engine_models import ProbeModel
from fuzz.engine_oracle import WrongAnswerError
from neutone import Engine
from neutone.errors import ConfigurationError, NeutoneError

__all__ = ["MisusedEngine", "describe"]

SILLY_VALUES: tuple[Any, ...] = (
    0,
    -1,
    1 << 31,
    1 << 32,
    1 << 64,
    -(1 << 63),
    1.5,
    float("nan"),
    "48000",
    None,
    True,
    [],
)


class MisusedEngine:
    """An engine, and the calls that it must refuse."""

    rng: random.Random
    model: ProbeModel
    engine: Engine
    background: bool

    def draw_frames(self) -> int:
        """Return a number of frames that the engine accepts."""
        engine, rng = self.engine, self.rng
        if engine.fixed_blocks:
            return engine.block_size
        return rng.choice([engine.block_size, rng.randint(0, engine.block_size), min(1, engine.block_size), 0])

    def must_refuse(self, attempt: Callable[[], Any], expected: tuple[type[Exception], ...]) -> None:
        try:
            result = attempt()
        except expected as error:
            if len(str(error)) > 2000:
                raise WrongAnswerError("an error message is too long", f"{len(str(error))} characters") from error
            return
        raise WrongAnswerError("a call was not refused", describe(result))

    def process_refused(self) -> None:
        """Process wrong audio or parameters: there must be an error, and the engine must not change."""
        engine, rng = self.engine, self.rng
        frames = self.draw_frames()
        good = np.zeros((engine.channels, frames), np.float32)
        count = len(engine.parameters)
        attempts: list[Callable[[], Any]] = [
            lambda: engine.process(
                bad_audio(rng, engine.channels, frames, engine.block_size, varies=not engine.fixed_blocks)
            ),
            lambda: engine.process(good, params=np.zeros((count + 1, frames), np.float32)),
            lambda: engine.process(good, params=np.zeros((count, frames + 1), np.float32)),
            lambda: engine.process(good, params=np.zeros((count, frames), np.float64)),
            lambda: engine.process(good, params=rng.choice([3, "drive", [0.5], object()])),
            lambda: engine.process(good, params={"no such knob": 0.5}),
            lambda: engine.process(good, params={17: 0.5}),
        ]
        if count:
            wrong: Any = rng.choice([float("nan"), float("inf"), 2.0, -1, "loud", None, 10**400, [0.5], object()])
            attempts.append(lambda: engine.process(good, params={"knob 0": wrong}))
        self.must_refuse(rng.choice(attempts), (NeutoneError, TypeError, ValueError, KeyError))

    def set_wrong_parameters(self) -> None:
        """Set values and names that do not exist."""
        parameters, rng = self.engine.parameters, self.rng
        before = dict(parameters)
        name: Any = rng.choice([*parameters, "no such knob", 3, ()])
        value: Any = rng.choice([float("nan"), -0.001, 1.001, float("inf"), 10**400, "1", None, [1], {}])
        self.must_refuse(lambda: parameters.__setitem__(name, value), (NeutoneError,))
        self.must_refuse(parameters.popitem, (NeutoneError,))
        if dict(parameters) != before:
            raise WrongAnswerError("a refused value changed parameters", f"{before}, {dict(parameters)}")

    def configure_wrongly(self) -> None:
        """Try values outside every range, on this engine and for a new one."""
        engine, rng = self.engine, self.rng
        name = rng.choice(["sample_rate", "block_size", "channels"])
        value = rng.choice([v for v in SILLY_VALUES if v is not None])
        before = (repr(engine), engine.latency)
        self.must_refuse(lambda: engine.configure(**{name: value}), (ConfigurationError,))
        if (repr(engine), engine.latency) != before:
            raise WrongAnswerError("a refused configure changed the engine", f"{before}, {engine!r}, {engine.latency}")
        name = rng.choice(["sample_rate", "block_size", "channels", "resampler", "taps", "slack", "late"])
        wrong = rng.choice([v for v in SILLY_VALUES if not (name == "slack" and v in (0, True))])
        self.must_refuse(lambda: Engine(self.model, **{name: wrong}, background=self.background), (ConfigurationError,))

    def copy(self) -> None:
        """Try to copy the engine, which must be refused."""
        attempt: Callable[[Any], Any] = self.rng.choice([copy.copy, copy.deepcopy, pickle.dumps])
        self.must_refuse(lambda: attempt(self.engine), (TypeError,))

    def claim(self) -> None:
        """Claim the engine as a host does. One that runs in its caller's thread refuses, because no host can play
        it."""
        if not self.background:
            self.must_refuse(self.engine.claim, (ConfigurationError,))
            return
        self.engine.claim()
        try:
            self.must_refuse(self.engine.claim, (NeutoneError,))
            other = self.engine.channels + 1
            self.must_refuse(lambda: self.engine.configure(channels=other), (ConfigurationError,))
        finally:
            self.engine.release()


def describe(value: Any) -> str:
    """Describe a value in a few words."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return repr(value)[:100]
    return f"{dtype} {shape} strides {getattr(value, 'strides', None)}"
