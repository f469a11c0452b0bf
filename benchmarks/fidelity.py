"""How true each resampler is: error and gain of sines, and aliasing.

    python benchmarks/fidelity.py [--quick] [--json FILE]

Prints, for the three kinds:
- 48 -> 44.1 -> 48 kHz and 44.1 -> 48 -> 44.1 kHz through a pass-through model in an engine: signal-to-error ratio
  (dB, against the sine itself, delayed by the reported latency) and gain (dB, least squares);
- 96 -> 44.1 kHz with sines above 22.05 kHz, which must vanish: what is left, dB below the sine.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutone import Engine, Resampler
from pass_through import PassThrough
from saved_results import add_option, save

FREQUENCIES = [50, 1_000, 5_000, 10_000, 15_000, 17_000, 18_000, 20_000]
QUALITIES = [("linear", 32), ("hermite", 32), ("sinc", 32), ("sinc", 64), ("sinc", 128)]
LEVEL = 0.5


def sine(frequency: float, rate: int, frames: int) -> NDArray[np.float64]:
    return LEVEL * np.sin(2 * np.pi * frequency / rate * np.arange(frames))


def decibels(power: float) -> float:
    return 10.0 * math.log10(max(power, 1e-30))


def there_and_back(host_rate: int, model_rate: int, frequency: float, kind: str, taps: int) -> tuple[float, float]:
    """Return the signal-to-error ratio and the gain of a sine that lasts a second, both in dB."""
    engine = Engine(PassThrough(model_rate, None, 0), host_rate, 512, 2, resampler=kind, taps=taps)
    clean = sine(frequency, host_rate, host_rate // 512 * 512)
    audio = np.stack([clean, clean]).astype(np.float32)
    out = np.concatenate([engine.process(audio[:, i : i + 512]) for i in range(0, audio.shape[1], 512)], axis=1)
    delay, edge = engine.latency.total, 4 * taps
    answered = out[0, delay:].astype(np.float64)
    wanted = clean[: len(answered)]
    answered, wanted = answered[edge:], wanted[edge:]
    gain = (answered @ wanted) / (wanted @ wanted)
    error = answered - wanted
    return decibels((wanted @ wanted) / (error @ error)), 2 * decibels(abs(gain))


def leak(frequency: float, kind: str, taps: int) -> float:
    """Return the level in dB of what is left of a sine above the model's band."""
    audio = sine(frequency, 96_000, 96_000).astype(np.float32)[np.newaxis]
    out = Resampler(96_000, 44_100, kind=kind, taps=taps).process(audio)[0, 4 * taps :].astype(np.float64)
    return decibels((out @ out) / len(out) / (LEVEL**2 / 2))


def label(kind: str, taps: int) -> str:
    return f"sinc {taps}" if kind == "sinc" else kind


def print_round_trips(host_rate: int, model_rate: int, frequencies: list[int]) -> dict[str, Any]:
    rows = []
    print(f"\n{host_rate} -> {model_rate} -> {host_rate} Hz: signal-to-error ratio / gain, dB")
    print(f"{'Hz':>8}" + "".join(f"{label(*quality):>19}" for quality in QUALITIES))
    for frequency in frequencies:
        row = [there_and_back(host_rate, model_rate, frequency, *quality) for quality in QUALITIES]
        print(f"{frequency:>8}" + "".join(f"{ratio:>10.1f} {gain:>+8.4f}" for ratio, gain in row))
        rows.append({"frequency": frequency, "snr": [ratio for ratio, _ in row], "gain": [gain for _, gain in row]})
    return {"host_rate": host_rate, "model_rate": model_rate, "rows": rows}


def print_worst(edges: list[tuple[int, int]], count: int) -> list[dict[str, Any]]:
    rows = []
    print("\n48000 -> 44100 -> 48000 Hz: the worst of a grid of sines from 50 Hz")
    for taps, edge in edges:
        results = [there_and_back(48_000, 44_100, f, "sinc", taps) for f in np.linspace(50, edge, count)]
        ratio, gain = min(r for r, _ in results), max(abs(g) for _, g in results)
        print(f"sinc {taps:>3} to {edge} Hz: {ratio:.1f} dB, gain within {gain:.5f} dB ({count} sines)")
        rows.append({"taps": taps, "to": edge, "snr": ratio, "gain_within": gain, "sines": count})
    return rows


def print_leaks(frequencies: list[int]) -> list[dict[str, Any]]:
    rows = []
    print("\n96000 -> 44100 Hz: what is left of sines above 22050 Hz, dB")
    print(f"{'Hz':>8}" + "".join(f"{label(*quality):>12}" for quality in QUALITIES))
    for frequency in frequencies:
        row = [leak(frequency, *quality) for quality in QUALITIES]
        print(f"{frequency:>8}" + "".join(f"{left:>12.1f}" for left in row))
        rows.append({"frequency": frequency, "left": row})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a coarser grid")
    add_option(parser)
    arguments = parser.parse_args()
    results = {
        "qualities": [label(*quality) for quality in QUALITIES],
        "round_trips": [
            print_round_trips(48_000, 44_100, FREQUENCIES),
            print_round_trips(44_100, 48_000, FREQUENCIES),
        ],
        "worst": print_worst([(32, 17_000), (64, 18_000), (128, 20_000)], 12 if arguments.quick else 60),
        "leaks": print_leaks([22_500, 23_000, 24_000, 26_000, 30_000, 40_000]),
    }
    save(arguments.json, results)


if __name__ == "__main__":
    main()
