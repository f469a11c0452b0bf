"""Measure how much audio is delayed, by cross-correlating the output with the input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neutone.model.check_result import CheckResult

Array = NDArray[np.float32]

LEAST_CORRELATION = 0.05
"""The least correlation that counts as resemblance. A second of unrelated noise stays below 0.03."""
SHARP_CORRELATION = 0.9
"""From this correlation on, the output is a delayed copy of the input, and the delay is certain to a frame."""
SPREAD_SECONDS = 1e-3
"""How far filters may smear the output in time."""
RELEVANT = 0.5
"""A lag whose correlation is at least this fraction of the highest may count as the model's delay."""


@dataclass(frozen=True)
class MeasuredDelay:
    """The delay at which the output most resembles the input.

    Attributes:
        frames: The lag in frames with the highest correlation.
        correlation: The correlation at that lag, 0..1.
        profile: The correlation at every lag.
    """

    frames: int
    correlation: float
    profile: NDArray[np.float64]

    def agrees_with(self, reported: int, sample_rate: int) -> bool:
        """Return whether much of the output comes at this delay, given in frames, and a sample rate in Hz."""
        spread = 1 if self.correlation > SHARP_CORRELATION else round(SPREAD_SECONDS * sample_rate)
        if abs(self.frames - reported) <= spread:
            return True
        near = self.profile[max(reported - 1, 0) : reported + 2]
        return bool(near.size) and float(near.max()) >= RELEVANT * self.correlation


def measure_delay(audio_in: Array, audio_out: Array) -> MeasuredDelay | None:
    """Measure by how many frames the output lags the input.

    Args:
        audio_in: White noise of shape (frames,).
        audio_out: The output for it, of shape (channels, frames). The channel that resembles the input most counts.

    Returns:
        The measured delay, or None if the output does not resemble the input, as with silence, a synthesiser or a
        shifted pitch.

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
    """Check whether the output lags the input as reported (in frames), for audio as in :func:`measure_delay`."""
    measured = measure_delay(audio_in, audio_out)
    if measured is None:
        return CheckResult(name, None, f"{reported} frames reported; the output does not resemble the input")
    passed = measured.agrees_with(reported, sample_rate)
    found = f"{reported} frames reported, {measured.frames} measured (correlation {measured.correlation:.2f})"
    return CheckResult(name, passed, found)
