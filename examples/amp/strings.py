"""Plucked strings: the extended Karplus-Strong algorithm, run a whole period at a time.

D. A. Jaffe and J. O. Smith, "Extensions of the Karplus-Strong plucked-string algorithm", Computer Music
Journal 7(2), 1983: pick-position comb, decay control by the loop gain, stretched decay by a two-point average
with weight S, and a one-pole "dynamics" low-pass on the excitation. The fractional part of the loop delay is a
third-order Lagrange interpolator (T. I. Laakso et al., "Splitting the unit delay", IEEE Signal Processing Magazine
13(1), 1996) instead of the paper's all-pass. This makes the loop filter FIR: every sample depends only on samples at
least one period old, so a period is computed as one vector.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

SAMPLE_RATE = 48000
"""The sample rate in Hz of the amp, its training data and the demo phrase."""


def note_frequency(midi_note: float) -> float:
    """Return the frequency of a MIDI note in equal temperament, with A4 = MIDI note 69 = 440 Hz."""
    return float(440.0 * 2.0 ** ((midi_note - 69.0) / 12.0))


def _lagrange_delay(delay: float) -> Signal:
    """Return four taps that delay by `delay` frames, 1 <= delay < 2, where the interpolator's gain is at most 1."""
    taps = np.ones(4)
    for tap in range(4):
        for other in range(4):
            if other != tap:
                taps[tap] *= (delay - other) / (tap - other)
    return taps


def _one_pole(signal: Signal, pole: float) -> Signal:
    """Return y[n] = (1 - pole) x[n] + pole y[n - 1]. It is a plain loop, and only used on one period."""
    output = np.empty_like(signal)
    state = 0.0
    for index, value in enumerate(signal):
        state = (1.0 - pole) * float(value) + pole * state
        output[index] = state
    return output


def pluck(
    frequency: float,
    seconds: float,
    generator: np.random.Generator,
    *,
    decay_seconds: float = 4.0,
    pick_position: float = 0.13,
    stretch: float = 0.5,
    softness: float = 0.85,
    release_seconds: float | None = None,
) -> Signal:
    """Return the sound of a plucked string, with peak 1.

    Args:
        frequency: The fundamental in Hz.
        seconds: The length of the result.
        generator: The source of the noise burst that excites the string.
        decay_seconds: The time in which the fundamental falls by 60 dB.
        pick_position: Where the string is plucked, as a fraction of its length from the bridge.
        stretch: S of the two-point average, 0..0.5; 0.5 damps high partials most.
        softness: The pole of the excitation's low-pass, from 0 (hard pick) to 1 (no sound).
        release_seconds: If given, the string is damped this long before the end.
    """
    period = SAMPLE_RATE / frequency
    whole_delay = int(np.floor(period - stretch - 1.0))
    if whole_delay < 8:
        raise ValueError(f"frequency must leave at least 8 frames of loop delay, got {frequency} Hz")
    loop_gain = 10.0 ** (-3.0 / (frequency * decay_seconds))
    loop_filter = np.convolve([1.0 - stretch, stretch], _lagrange_delay(period - stretch - whole_delay)) * loop_gain

    frames = round(seconds * SAMPLE_RATE)
    burst = _one_pole(generator.uniform(-1.0, 1.0, round(period)), softness)
    # Pick position: the wave reflected at the bridge cancels partials with a node at the pick. It also
    # removes DC.
    comb_delay = max(1, round(pick_position * period))
    excitation = np.zeros(max(frames, burst.size + comb_delay))
    excitation[: burst.size] += burst
    excitation[comb_delay : comb_delay + burst.size] -= burst

    history = loop_filter.size - 1
    output = np.zeros(whole_delay + history + frames)  # silence before the pluck, so that the recursion needs no case
    start = whole_delay + history
    for block in range(0, frames, whole_delay):
        count = min(whole_delay, frames - block)
        past = output[start + block - whole_delay - history : start + block - whole_delay + count]
        output[start + block : start + block + count] = excitation[block : block + count] + np.convolve(
            past, loop_filter, "valid"
        )
    string = output[start:]
    if release_seconds is not None:
        # The level falls by 60 dB over the release time, as if a palm was laid on the string.
        since = np.arange(frames) / SAMPLE_RATE - (seconds - release_seconds)
        string = string * 10.0 ** (-3.0 * np.clip(since, 0.0, None) / release_seconds)
    return string / max(float(np.max(np.abs(string))), 1e-12)


def strum(
    frequencies: Sequence[float],
    seconds: float,
    generator: np.random.Generator,
    *,
    strum_seconds: float = 0.012,
    decay_seconds: float = 4.0,
    pick_position: float = 0.13,
    stretch: float = 0.5,
    softness: float = 0.85,
    release_seconds: float | None = None,
) -> Signal:
    """Return the sound of several strings, each plucked `strum_seconds` after the previous one, with peak 1."""
    frames = round(seconds * SAMPLE_RATE)
    chord = np.zeros(frames)
    for index, frequency in enumerate(frequencies):
        offset = min(round(index * strum_seconds * SAMPLE_RATE), frames - 1)
        chord[offset:] += pluck(
            frequency,
            (frames - offset) / SAMPLE_RATE,
            generator,
            decay_seconds=decay_seconds,
            pick_position=pick_position,
            stretch=stretch,
            softness=softness,
            release_seconds=release_seconds,
        )
    return chord / max(float(np.max(np.abs(chord))), 1e-12)
