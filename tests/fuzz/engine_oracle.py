"""The output that an engine must return: if nothing is resampled, the input, mapped to the model's channels and back,
times gain and mix, `latency.total` frames later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.engine_models import ProbeModel
from neutone import Engine

__all__ = ["DelayOracle", "WrongAnswerError"]

Array = NDArray[np.float32]

VERY_LARGE = 1e30
"""Sums and gains of larger samples may overflow, and then count as silence."""
DENORMAL = 2e-38
"""Smaller samples may be flushed to zero."""


class WrongAnswerError(AssertionError):
    """The engine broke a promise. The message names the promise and the case."""

    def __init__(self, promise: str, case: str = "") -> None:
        super().__init__(f"{promise}: {case}")
        self.promise = promise


def _map_channels(audio: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Map channels. Channel b of B is the mean of the channels a with a mod B == b; if there are none, it is channel b
    mod A."""
    given = len(audio)
    if given == count:
        return audio
    rows = [audio[b::count].mean(axis=0) if b < given else audio[b % given] for b in range(count)]
    return np.stack(rows)


class DelayOracle:
    """Keeps the input of one stream, and compares the output with it. It skips frames that it cannot predict: those
    around a fault, a ramp of a level or parameter, or a new stream that takes over."""

    def __init__(self, engine: Engine, model: ProbeModel) -> None:
        self.engine, self.model = engine, model
        self.gain: float | None = None
        """The first parameter at the end of the last block; None before the first block."""
        self.unknown_until = 0
        self.faults = model.faults.fired
        self.restart()

    def restart(self) -> None:
        """Start again with a stream that starts from silence. Its first block begins with the parameter's current
        setting."""
        engine = self.engine
        self.is_exact = engine.model_sample_rate == engine.sample_rate
        self.total = engine.latency.total
        self.input: list[Array] = []
        self.curves: list[Array] = []
        self.written = 0
        self.first = 0
        self.unknown_until = 0
        self.gain = None

    def doubt(self) -> None:
        """Predict nothing until all frames that are under way have come out."""
        engine = self.engine
        beyond = 2 * engine.block_size + 2 * (engine.model_block_size or 0) + self.model.delay
        self.unknown_until = max(self.unknown_until, self.written + self.total + beyond)

    def target_gain(self) -> float:
        """Return the current setting of the first parameter, 0..1."""
        if not self.model.has_gain:
            return 1.0
        return float(self.engine.parameters["knob 0"])

    def write(self, audio: Array, curves: Array | None, *, fades_in: bool = False) -> None:
        """Add a block that the engine has accepted. ``fades_in``: a new stream took over in this block, in the middle
        of a sound."""
        frames = audio.shape[1]
        if frames == 0:
            return
        target = self.target_gain()
        if not self.model.has_gain:
            curve = np.ones(frames, np.float32)
        elif curves is not None:
            curve = np.clip(curves[0], 0, 1)
            self.gain = float(curve[-1])
        else:
            before = target if self.gain is None else self.gain
            curve = np.full(frames, target if before == target else np.nan, np.float32)
            self.gain = target
        if fades_in:
            curve = np.full(frames, np.nan, np.float32)
            self.unknown_until = max(self.unknown_until, self.written + frames)
        self.input.append(np.where(np.isfinite(audio), audio, np.float32(0)))
        self.curves.append(curve)
        self.written += frames

    def check(self, out: Array, late: int = 0, late_mode: str = "silence") -> None:
        """Check the output for the block that was written last. Its last `late` frames were not ready in time."""
        if not np.isfinite(out).all():
            raise WrongAnswerError("the output is not finite", f"{out[~np.isfinite(out)][:3]}")
        if self.model.faults.fired != self.faults:
            self.faults = self.model.faults.fired
            self.doubt()
        frames = out.shape[1]
        begin = self.written - frames
        if not self.is_exact or frames == 0 or begin < self.unknown_until:
            return
        expected, tolerance = self._expected(begin, begin + frames, out.shape[0])
        if late:
            is_silent = late_mode == "silence" and self.engine.dry == 0
            expected[:, frames - late :] = 0 if is_silent else np.nan
        wrong = np.abs(out - expected) > tolerance  # false for NaN, which stands for frames that are not predicted
        if wrong.any():
            channel, frame = (int(i) for i in np.argwhere(wrong)[0])
            raise WrongAnswerError(
                "the output is not the input, latency.total frames later",
                f"channel {channel}, frame {begin + frame} is {out[channel, frame]!r}, expected "
                f"{expected[channel, frame]!r}, frame {frame} of the block, {self.engine.latency}, {self.engine!r}",
            )

    def _expected(self, begin: int, end: int, channels: int) -> tuple[NDArray[np.float64], Any]:
        engine, model = self.engine, self.model
        audio = np.zeros((channels, end - begin))
        curve = np.ones(end - begin)
        start, stop = begin - self.total, end - self.total
        if stop > 0:
            self._forget(max(0, start))
            kept, curves = np.concatenate(self.input, 1), np.concatenate(self.curves)
            audio[:, max(0, -start) :] = kept[:, max(0, start) - self.first : stop - self.first]
            curve[max(0, -start) :] = curves[max(0, start) - self.first : stop - self.first]
        factor = 10 ** (engine.input_gain_db / 20)
        heard = _map_channels(audio * factor, model.input_channels)
        answered = heard[np.arange(model.output_channels) % model.input_channels] * curve
        wet = _map_channels(answered, channels)
        mixed = (engine.wet * wet + engine.dry * audio) * 10 ** (engine.output_gain_db / 20)
        is_plain = (
            (engine.wet, engine.dry, engine.input_gain_db, engine.output_gain_db) == (1.0, 0.0, 0.0, 0.0)
            and not model.has_gain
            and channels == model.input_channels == model.output_channels
        )
        if is_plain:
            return mixed, DENORMAL
        loudest = float(np.abs(audio).max(initial=0.0))
        mixed[:, np.abs(audio).max(axis=0) > VERY_LARGE] = np.nan
        # With gains of 30 dB before and -30 dB after, the rounding error of the loud sum in between remains.
        largest_gain = max(1.0, factor) * max(1.0, 10 ** (engine.output_gain_db / 20))
        return mixed, largest_gain * (DENORMAL + 1e-5 * loudest)

    def _forget(self, frame: int) -> None:
        """Drop the blocks that no later output depends on."""
        while len(self.input) > 1 and self.first + self.input[0].shape[1] <= frame:
            self.first += self.input.pop(0).shape[1]
            self.curves.pop(0)
