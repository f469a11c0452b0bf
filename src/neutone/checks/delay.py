"""How late audio is, measured by cross-correlation with what went in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neutone.model.check_result import CheckResult

Array = NDArray[np.float32]

LEAST_CORRELATION = 0.05
"""of noise with unrelated noise of a second it stays below 0.03"""
SHARP_CORRELATION = 0.9
"""from here on the output is a delayed copy of the input, and its delay certain to a frame"""
SPREAD_SECONDS = 1e-3
"""what filters may smear"""
RELEVANT = 0.5
"""of the highest peak: so much of the output comes at this lag that the model may call it its delay"""


@dataclass(frozen=True)
class MeasuredDelay:
    """Where the output resembles the input."""

    frames: int
    """lag with the highest correlation"""
    correlation: float
    """how high, 0..1"""
    profile: NDArray[np.float64]
    """the correlation at every lag"""

    def agrees_with(self, reported: int, sample_rate: int) -> bool:
        """Whether a delay in frames, at a rate in Hz, is one at which much of the output comes."""
        spread = 1 if self.correlation > SHARP_CORRELATION else round(SPREAD_SECONDS * sample_rate)
        if abs(self.frames - reported) <= spread:
            return True
        near = self.profile[max(reported - 1, 0) : reported + 2]
        return bool(near.size) and float(near.max()) >= RELEVANT * self.correlation


def measure_delay(audio_in: Array, audio_out: Array) -> MeasuredDelay | None:
    """By how many frames the output is late.

    Args:
        audio_in: (frames,) of white noise.
        audio_out: (channels, frames), what came of it; the channel that resembles it most counts.

    Returns:
        None where the output does not resemble the input: silence, a synthesiser, a shifted pitch.

    >>> noise = np.random.default_rng(0).uniform(-1, 1, 4096).astype(np.float32)
    >>> measure_delay(noise, np.roll(noise, 100)[np.newaxis]).frames
    100
    """
    frames = len(audio_in)
    size = 1 << (2 * frames - 1).bit_length()
    spectrum = np.fft.rfft(audio_in.astype(np.float64), size)
    best: MeasuredDelay | None = None
    for channel in audio_out.astype(np.float64):
        scale = float(np.linalg.norm(channel) * np.linalg.norm(audio_in))
        if scale == 0.0 or not np.isfinite(scale):
            continue
        profile = np.abs(np.fft.irfft(np.fft.rfft(channel, size) * spectrum.conj(), size)[:frames]) / scale
        lag = int(profile.argmax())
        if profile[lag] >= max(LEAST_CORRELATION, best.correlation if best else 0.0):
            best = MeasuredDelay(lag, float(profile[lag]), profile)
    return best


def compare_delay(name: str, audio_in: Array, audio_out: Array, reported: int, sample_rate: int) -> CheckResult:
    """Whether the output is as late as is reported (frames), for audio as :func:`measure_delay` takes it."""
    measured = measure_delay(audio_in, audio_out)
    if measured is None:
        return CheckResult(name, None, f"{reported} frames reported; the output does not resemble the input")
    passed = measured.agrees_with(reported, sample_rate)
    found = f"{reported} frames reported, {measured.frames} measured (correlation {measured.correlation:.2f})"
    return CheckResult(name, passed, found)
