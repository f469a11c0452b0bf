"""Test material and measures for noise suppression: synthetic speech, coloured noise, SI-SDR, delay."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

import neutone

Array = NDArray[np.float32]

TEXT = (
    "The north wind and the sun were disputing which was the stronger, when a traveler came along wrapped in a warm "
    "cloak. They agreed to let him decide."
)
"""The fable that phoneticians use (Handbook of the International Phonetic Association, 1999)."""


def resample(audio: Array, rate_in: int, rate_out: int) -> Array:
    """Resample a whole signal of shape (1, frames). Frame 0 stays frame 0."""
    resampler = neutone.Resampler(rate_in, rate_out)
    tail = np.zeros((1, resampler.lookahead), np.float32)
    return np.concatenate([resampler.process(audio), resampler.process(tail)], axis=1)


def speak(text: str = TEXT, voice: str = "en-us", sample_rate: int = 16_000) -> Array:
    """Return speech from espeak-ng, of shape (1, frames), with an RMS of 0.05."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text], check=True, timeout=60)
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    speech = resample(np.ascontiguousarray(audio.T), rate, sample_rate)
    return speech * np.float32(0.05 / np.sqrt(np.mean(speech**2)))


def noise(frames: int, colour: str, seed: int = 0, sample_rate: int = 16_000) -> Array:
    """Return Gaussian noise of shape (1, frames) and unit power: ``"white"``, or ``"pink"``, whose power falls as 1/f
    from 20 Hz up (the octaves below have as much power again, but cannot be heard)."""
    white = np.random.default_rng(seed).standard_normal(frames)
    if colour == "pink":
        hertz = np.fft.rfftfreq(frames, 1.0 / sample_rate)
        audible = hertz >= 20.0
        weights = np.zeros(len(hertz))
        weights[audible] = 1.0 / np.sqrt(hertz[audible])
        white = np.fft.irfft(np.fft.rfft(white) * weights, frames)
    unit: Array = np.asarray(white / np.sqrt(np.mean(white**2)), np.float32)
    return unit[np.newaxis]


def add_noise(speech: Array, colour: str, snr_db: float, seed: int = 0) -> Array:
    """Add noise to speech, at a signal-to-noise ratio in dB over the whole signal."""
    level = np.sqrt(np.mean(speech**2) / 10.0 ** (snr_db / 10.0))
    return speech + np.float32(level) * noise(speech.shape[1], colour, seed)


def si_sdr(estimate: Array, target: Array) -> float:
    """Return the scale-invariant signal-to-distortion ratio of aligned signals, in dB, with means removed.

    J. Le Roux, S. Wisdom, H. Erdogan and J. R. Hershey, "SDR - half-baked or well done?", ICASSP 2019,
    doi:10.1109/ICASSP.2019.8683855."""
    x, s = (signal.astype(np.float64).ravel() - np.mean(signal, dtype=np.float64) for signal in (estimate, target))
    projection = s * (x @ s) / (s @ s)
    distortion = x - projection
    return float(10.0 * np.log10((projection @ projection) / (distortion @ distortion)))


def delay_between(late: Array, early: Array) -> int:
    """Return the lag, in frames, at which the cross-correlation of two (1, frames) signals is greatest."""
    size = 2 * late.shape[1]
    correlation = np.fft.irfft(np.fft.rfft(late[0], size) * np.conj(np.fft.rfft(early[0], size)), size)
    return int(np.argmax(correlation[: late.shape[1]]))
