"""Measure how close the exported amp is to the circuit, and how it behaves at the extremes. Needs no PyTorch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .signals import HELD_OUT_DRIVES, HELD_OUT_TONES, Clips, held_out_guitar, held_out_test_signals
from .simulator import simulate
from .strings import SAMPLE_RATE

Audio = NDArray[np.float32]
BLOCK_SIZE = 512


class AmpSession:
    """The exported model with its state kept from one block to the next."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # the overridable initial state causes a warning that does not matter here
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._state: dict[str, Audio] = {}

    def reset(self) -> None:
        """Return to the initial state in the file."""
        self._state = {}

    def run(self, audio: Audio, params: Audio) -> Audio:
        """Run one block: audio (n,) and params (2, n) to audio (n,)."""
        feeds = {"audio": audio[None], "params": params, **self._state}
        output, hidden, cell = self._session.run(["audio_out", "next_state.h", "next_state.c"], feeds)
        self._state = {"state.h": hidden, "state.c": cell}
        return np.asarray(output[0], dtype=np.float32)

    def render(self, audio: Audio, params: Audio, block_size: int = BLOCK_SIZE) -> Audio:
        """Run a whole clip in blocks, from the initial state."""
        self.reset()
        starts = range(0, audio.size, block_size)
        blocks = [self.run(audio[s : s + block_size], params[:, s : s + block_size]) for s in starts]
        return np.concatenate(blocks)


@dataclass(frozen=True)
class ErrorToSignalRatio:
    """The ratio sum (y - y_hat)^2 / sum y^2, kept as two sums so that it can be added up over clips."""

    error: float
    signal: float

    @classmethod
    def total(cls, parts: Iterable["ErrorToSignalRatio"]) -> "ErrorToSignalRatio":
        """Return the ratio of the total sums."""
        collected = list(parts)
        return cls(sum(part.error for part in collected), sum(part.signal for part in collected))

    @property
    def decibels(self) -> float:
        """The ratio in dB; the more negative, the better."""
        return float(10.0 * np.log10(self.error / self.signal))

    def __str__(self) -> str:
        return f"{100.0 * self.error / self.signal:.3f} % ({self.decibels:.1f} dB)"

    @classmethod
    def between(cls, reference: NDArray[np.floating], other: NDArray[np.floating]) -> "ErrorToSignalRatio":
        """Return the ratio of `other` measured against `reference`."""
        exact = reference.astype(np.float64)
        return cls(float(np.sum((exact - other) ** 2)), float(np.sum(exact**2)))


def _errors(session: AmpSession, clips: Clips) -> list[ErrorToSignalRatio]:
    """Return the ratio of each clip."""
    targets = simulate(clips.audio, clips.params)
    ratios = []
    for audio, params, target in zip(clips.audio, clips.params, targets, strict=True):
        output = session.render(audio.astype(np.float32), np.ascontiguousarray(params, dtype=np.float32))
        ratios.append(ErrorToSignalRatio.between(target, output))
    return ratios


@dataclass(frozen=True)
class Evaluation:
    """Error-to-signal ratios on the held-out audio: for guitar by (drive, tone), for the rest in one figure."""

    grid: dict[tuple[float, float], ErrorToSignalRatio]
    test_signals: ErrorToSignalRatio

    @property
    def guitar(self) -> ErrorToSignalRatio:
        """The ratio on guitar over all settings: the headline figure."""
        return ErrorToSignalRatio.total(self.grid.values())

    def table(self) -> str:
        """Return a table for people to read, with a line for each setting of drive."""
        lines = [
            "Error-to-signal ratio on held-out guitar",
            " " * 10 + "".join(f"  tone {t:<14.2f}" for t in HELD_OUT_TONES),
        ]
        for drive in HELD_OUT_DRIVES:
            lines.append(f"drive {drive:.2f}" + "".join(f"  {self.grid[drive, tone]!s:<19}" for tone in HELD_OUT_TONES))
        lines = [line.rstrip() for line in lines]
        lines.append(f"guitar, all settings     {self.guitar}")
        lines.append(f"sweep and noise bursts   {self.test_signals}")
        return "\n".join(lines)


def evaluate(session: AmpSession) -> Evaluation:
    """Run the held-out audio through the circuit and the model, and compare them."""
    ratios = iter(_errors(session, held_out_guitar()))
    clips_each = 4
    grid = {
        (drive, tone): ErrorToSignalRatio.total(next(ratios) for _ in range(clips_each))
        for drive in HELD_OUT_DRIVES
        for tone in HELD_OUT_TONES
    }
    return Evaluation(grid, ErrorToSignalRatio.total(_errors(session, held_out_test_signals())))


def simulator_error() -> ErrorToSignalRatio:
    """Compare the circuit at 8 times oversampling with 64 times, where the error is largest:
    high drive and bright tone."""
    clips = held_out_guitar()
    # The last setting's first quarter of a second: riff, chord, arpeggio and power chord.
    audio, params = clips.audio[-4:, : SAMPLE_RATE // 4], clips.params[-4:, :, : SAMPLE_RATE // 4]
    return ErrorToSignalRatio.between(simulate(audio, params, oversampling=64), simulate(audio, params))


def _knob_settings() -> Iterator[tuple[float, float]]:
    steps = np.linspace(0.0, 1.0, 6)
    return ((float(drive), float(tone)) for drive in steps for tone in steps)


def _still(setting: tuple[float, float], frames: int) -> Audio:
    return np.repeat(np.array(setting, dtype=np.float32)[:, None], frames, axis=1)


def largest_output_at_rest(session: AmpSession) -> tuple[float, float]:
    """Return the largest magnitude over all knob settings for silence: from reset, and 0.5 s after a loud burst."""
    burst = np.random.default_rng(1).uniform(-1.0, 1.0, SAMPLE_RATE // 10).astype(np.float32)
    silence = np.zeros(SAMPLE_RATE // 2, dtype=np.float32)
    from_reset = after_burst = 0.0
    for setting in _knob_settings():
        session.reset()
        from_reset = max(from_reset, float(np.max(np.abs(session.run(silence, _still(setting, silence.size))))))
        session.run(burst, _still(setting, burst.size))
        tail = session.run(silence, _still(setting, silence.size))
        after_burst = max(after_burst, float(np.max(np.abs(tail[-2400:]))))
    return from_reset, after_burst


def largest_output_at_full_scale(session: AmpSession) -> float:
    """Return the largest magnitude over all knob settings for a square wave, a sine, a step and noise, each at 0
    dBFS."""
    frames = SAMPLE_RATE // 4
    time = np.arange(frames) / SAMPLE_RATE
    sine = np.sin(2.0 * np.pi * 110.0 * time)
    noise = np.random.default_rng(2).uniform(-1.0, 1.0, frames)
    signals = [sine, np.sign(sine), np.ones(frames), noise]
    return max(
        float(np.max(np.abs(session.render(signal.astype(np.float32), _still(setting, frames)))))
        for signal in signals
        for setting in _knob_settings()
    )
