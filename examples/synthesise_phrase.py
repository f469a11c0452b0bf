"""Synthesise the short guitar phrase that comes with neutone, so that there is always something to play.

Seven plucked notes and a power chord in E, about six seconds, from the extended Karplus-Strong algorithm in
`amp/strings.py` (Jaffe and Smith, 1983): a clean electric guitar, straight from the instrument. The
result is the same on every run.

    python examples/synthesise_phrase.py                write neutone's own file
    python examples/synthesise_phrase.py --out a.flac   write it elsewhere

Needs numpy and soundfile. It prints what it wrote:

    6.00 s at 48000 Hz, mono, 181884 bytes
    peak -3.00 dBFS, mean 7.2e-06
    first sample 0.0e+00, last sample 0.0e+00
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import soundfile

from amp.strings import SAMPLE_RATE, Signal, note_frequency, pluck, strum

SHIPPED_PHRASE = Path(__file__).resolve().parent.parent / "src" / "neutone" / "assets" / "phrase.flac"
SEED = 1983
SECONDS = 6.0
PEAK_DB = -3.0
QUAVER = 60.0 / 96.0 / 2.0
"""The length of a quaver in seconds, at 96 crotchets a minute."""

# (start in quavers, length in quavers, MIDI note, loudness): the minor pentatonic scale on E.
MELODY = (
    (0, 2, 40, 0.9),
    (2, 1, 52, 0.7),
    (3, 1, 55, 0.75),
    (4, 2, 57, 0.9),
    (6, 1, 55, 0.7),
    (7, 1, 52, 0.65),
    (8, 2, 50, 0.8),
)
CHORD_START = 10
CHORD = (40, 47, 52)
LEAD_IN_SECONDS, FADE_OUT_SECONDS = 0.02, 0.4
PICKUP_HERTZ, PICKUP_QUALITY = 3500.0, 1.2
"""The resonance of a magnetic pickup's coil with its cable: a second-order low-pass."""


def _pickup(signal: Signal) -> Signal:
    """Apply the low-pass in the frequency domain, with silence after the signal to make room for its tail."""
    size = 2 * signal.size
    ratio = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE) / PICKUP_HERTZ
    response = 1.0 / (1.0 - ratio**2 + 1j * ratio / PICKUP_QUALITY)
    return np.fft.irfft(np.fft.rfft(signal, n=size) * response, n=size)[: signal.size]


def synthesise() -> Signal:
    """Return the phrase as mono floats."""
    generator = np.random.default_rng(SEED)
    frames = round(SECONDS * SAMPLE_RATE)
    phrase = np.zeros(frames)

    def add(start: float, sound: Signal) -> None:
        first = round((LEAD_IN_SECONDS + start) * SAMPLE_RATE)
        end = min(first + sound.size, frames)
        phrase[first:end] += sound[: end - first]

    for start, length, note, loudness in MELODY:
        # Harder plucks are brighter: less of the excitation's low-pass.
        string = pluck(
            note_frequency(note),
            length * QUAVER,
            generator,
            decay_seconds=4.0,
            pick_position=0.13,
            stretch=0.2,
            softness=0.97 - 0.12 * loudness,
            release_seconds=0.04,
        )
        add(start * QUAVER, loudness * string)
    chord_start = CHORD_START * QUAVER
    add(
        chord_start,
        strum(
            [note_frequency(note) for note in CHORD],
            SECONDS - LEAD_IN_SECONDS - chord_start,
            generator,
            strum_seconds=0.018,
            decay_seconds=8.0,
            stretch=0.2,
            softness=0.86,
        ),
    )
    phrase = _pickup(phrase)
    fade = round(FADE_OUT_SECONDS * SAMPLE_RATE)
    phrase[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    phrase *= 10.0 ** (PEAK_DB / 20.0) / np.max(np.abs(phrase))
    return phrase


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Synthesise the demo phrase.")
    parser.add_argument("--out", type=Path, default=SHIPPED_PHRASE, help="a FLAC file (default: neutone's own)")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(arguments.out, synthesise(), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    written, rate = soundfile.read(arguments.out)
    print(f"{written.size / rate:.2f} s at {rate} Hz, mono, {arguments.out.stat().st_size} bytes")
    print(f"peak {20.0 * np.log10(np.max(np.abs(written))):.2f} dBFS, mean {np.mean(written):.1e}")
    print(f"first sample {written[0]:.1e}, last sample {written[-1]:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
