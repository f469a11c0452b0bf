"""The amp that the network learns: a gain stage, a diode clipper and a tone control, solved as a circuit.

The clipper is a resistor into a capacitor with two antiparallel diodes across it:

    dV/dt = (Vi - V) / (R C) - (2 Is / C) sinh(V / Vt)

with R = 2.2 kOhm, C = 10 nF, Is = 2.52 nA, Vt = 45.3 mV: D. T. Yeh, J. S. Abel and J. O. Smith, "Simplified,
physically-informed models of distortion and overdrive guitar effects pedals" and "Simulation of the diode
limiter in guitar distortion circuits by numerical solution of ordinary differential equations", both DAFx-07,
Bordeaux, 2007.

The second paper compares solvers and prefers implicit ones, because the equation is stiff. This one uses the
second-order backward difference formula (BDF2), which is L-stable: unlike the trapezoidal rule, it does not ring on
hard edges. It runs at 8 times the sample rate in float64, and solves each step's implicit equation by Newton's method.
`evaluation.simulator_error` measures what a finer time step would change.
"""

import numpy as np
from numpy.typing import NDArray

from .strings import SAMPLE_RATE

Array = NDArray[np.float64]

RESISTANCE = 2200.0  # ohm
CAPACITANCE = 10e-9  # farad
SATURATION_CURRENT = 2.52e-9  # ampere
THERMAL_VOLTAGE = 45.3e-3  # volt, the diodes' ideality factor included

DRIVE_RANGE_DB = 40.0
"""The gain before the clipper at drive = 1; at drive = 0 it is 0 dB."""
INPUT_FULL_SCALE = 0.5
"""The volts into the gain stage at 0 dBFS."""
OUTPUT_FULL_SCALE = 0.9
"""The volts at the output that count as 0 dBFS: more than 50 V through the clipper and the filters can reach."""
TONE_LOWEST, TONE_HIGHEST = 600.0, 12000.0
"""The cutoff of the one-pole tone low-pass in Hz. It rises exponentially as tone goes from 0 to 1."""

OVERSAMPLING = 8
NEWTON_ITERATIONS = 5
# The circuit forgets quickly: its time constants are 22 us in the clipper, and at most 1 / (2 pi 600 Hz) = 265 us in
# the tone control. So a clip is cut into segments that are solved side by side, each after a warm-up of 10 ms (e^-37)
# on the audio before it.
WARM_UP_FRAMES = 480
SEGMENT_FRAMES = 2400
PADDING_FRAMES = 480
# The converter's filter before the decimation to 48 kHz: a Butterworth low-pass, causal like an analogue one, with 1.5
# frames of delay.
CONVERTER_ORDER, CONVERTER_CUTOFF = 6, 20000.0


def drive_gain(drive: Array) -> Array:
    """Return the gain for a position of the drive knob, which is linear in decibels."""
    return np.asarray(10.0 ** (DRIVE_RANGE_DB / 20.0 * drive))


def tone_cutoff(tone: Array) -> Array:
    """Return the cutoff in Hz for a position of the tone knob, which is exponential in Hz."""
    return np.asarray(TONE_LOWEST * (TONE_HIGHEST / TONE_LOWEST) ** tone)


def solve_clipper(volts: Array, tone_coefficient: Array, rate: float) -> Array:
    """Run clipper and tone low-pass over `volts` (time, batch) at `rate` Hz, from rest.

    Args:
        volts: The clipper's input Vi.
        tone_coefficient: 2 g / (1 + g) of the tone low-pass, g = tan(pi cutoff / rate) (bilinear transform), of shape
            (time / k, batch) for an integer k: each row holds for k steps.
        rate: The number of steps per second.
    """
    steps, width = volts.shape
    hold = steps // tone_coefficient.shape[0]
    step = 1.0 / rate
    # BDF2: V[n] = 4/3 V[n-1] - 1/3 V[n-2] + 2/3 h dV/dt[n]. In units of Vt, and divided by the factor of
    # V[n], this is v + a sinh(v) = p, where p collects what is known.
    linear = 1.0 / (1.0 + 2.0 * step / (3.0 * RESISTANCE * CAPACITANCE))
    a = linear * (2.0 * step / 3.0) * (2.0 * SATURATION_CURRENT / CAPACITANCE) / THERMAL_VOLTAGE
    drive_in = volts * (linear * 2.0 * step / (3.0 * RESISTANCE * CAPACITANCE) / THERMAL_VOLTAGE)
    v, before, filtered = np.zeros(width), np.zeros(width), np.zeros(width)
    output = np.empty_like(volts)
    for index in range(steps):
        known = (linear * 4.0 / 3.0) * v - (linear / 3.0) * before + drive_in[index]
        before = v
        magnitude = np.abs(known)
        # The left side is odd and convex for v > 0, and both bounds below lie right of the root: Newton's
        # method then descends to it without overshoot, and exp() cannot overflow.
        guess = np.minimum(magnitude, np.arcsinh(magnitude / a))
        for _ in range(NEWTON_ITERATIONS):
            growing = np.exp(guess)
            decaying = 1.0 / growing
            guess -= (guess + 0.5 * a * (growing - decaying) - magnitude) / (1.0 + 0.5 * a * (growing + decaying))
        v = np.copysign(guess, known)
        filtered = filtered + tone_coefficient[index // hold] * (0.5 * (v + before) - filtered)
        output[index] = filtered
    return output * THERMAL_VOLTAGE


def _upsample(signal: Array, factor: int) -> Array:
    """Interpolate along the last axis. This is exact for a band-limited periodic signal, hence the padding."""
    frames = signal.shape[-1]
    return np.fft.irfft(np.fft.rfft(signal), n=frames * factor) * factor


def _downsample(signal: Array, factor: int) -> Array:
    """Apply the converter's Butterworth low-pass and keep every `factor`-th sample, both in the frequency domain."""
    frames = signal.shape[-1] // factor
    frequencies = np.fft.rfftfreq(frames, 1.0 / SAMPLE_RATE)
    response = np.ones(frequencies.size, dtype=np.complex128)
    for pole in range(CONVERTER_ORDER):
        root = np.exp(1j * np.pi * (2 * pole + CONVERTER_ORDER + 1) / (2 * CONVERTER_ORDER))
        response *= -root / (1j * frequencies / CONVERTER_CUTOFF - root)
    spectrum = np.fft.rfft(signal)[..., : frequencies.size] * response
    return np.fft.irfft(spectrum, n=frames) / factor


def _simulate(audio: Array, drive: Array, tone: Array, oversampling: int) -> Array:
    clips, frames = audio.shape
    segments = -(-frames // SEGMENT_FRAMES)
    tail = segments * SEGMENT_FRAMES - frames + PADDING_FRAMES
    margins = ((0, 0), (PADDING_FRAMES, tail))
    volts = np.pad(audio, margins) * drive_gain(np.pad(drive, margins, mode="edge")) * INPUT_FULL_SCALE
    volts = _upsample(volts, oversampling)
    rate = SAMPLE_RATE * oversampling
    warped = np.tan(np.pi * tone_cutoff(np.pad(tone, margins, mode="edge")) / rate)
    coefficient = 2.0 * warped / (1.0 + warped)

    # (clips, frames) -> (segment with warm-up, clips x segments). The padding is the first segment's warm-up.
    starts = np.arange(segments) * SEGMENT_FRAMES + PADDING_FRAMES - WARM_UP_FRAMES
    at_base = starts[:, None] + np.arange(WARM_UP_FRAMES + SEGMENT_FRAMES)
    at_rate = starts[:, None] * oversampling + np.arange((WARM_UP_FRAMES + SEGMENT_FRAMES) * oversampling)
    volts_in = np.ascontiguousarray(volts[:, at_rate].reshape(clips * segments, -1).T)
    coefficient_in = np.ascontiguousarray(coefficient[:, at_base].reshape(clips * segments, -1).T)
    solved = solve_clipper(volts_in, coefficient_in, rate)[WARM_UP_FRAMES * oversampling :]
    whole = solved.T.reshape(clips, segments * SEGMENT_FRAMES * oversampling)
    padding = PADDING_FRAMES * oversampling
    output = _downsample(np.pad(whole, ((0, 0), (padding, padding))), oversampling)
    return output[:, PADDING_FRAMES : PADDING_FRAMES + frames] / OUTPUT_FULL_SCALE


def simulate(
    audio: Array, params: Array, *, oversampling: int = OVERSAMPLING, clips_at_once: int = 24
) -> NDArray[np.float32]:
    """Return the amp's output for `audio` (clips, frames) and `params` (clips, 2, frames): drive, tone in 0..1."""
    parts = [
        _simulate(
            audio[first : first + clips_at_once],
            params[first : first + clips_at_once, 0],
            params[first : first + clips_at_once, 1],
            oversampling,
        )
        for first in range(0, audio.shape[0], clips_at_once)
    ]
    return np.concatenate(parts).astype(np.float32)
