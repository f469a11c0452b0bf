"""The demo's picture: waveform and spectrogram of each take, on shared axes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neutone.cli.demo.takes import Take
from neutone.errors import printable

Array = NDArray[np.float32]

SIZE_INCHES = (16.0, 11.0)
DOTS_PER_INCH = 110
FILL_POINTS, OUTLINE_POINTS = 1500, 240
WINDOW_SECONDS = 0.046
HOPS = 900
FREQUENCY_RANGE_HZ = (60.0, 20_000.0)
FREQUENCY_ROWS = 320
FREQUENCY_TICKS = {100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k", 10_000: "10k", 20_000: "20k"}
DECIBELS_SHOWN = 80.0
DRY_COLOUR, WET_COLOUR, OUTLINE_COLOUR, CURVE_COLOUR = "#94a3b8", "#ea580c", "#1e293b", "#1d4ed8"


def draw(takes: Sequence[Take], rate: int, title: str, path: Path) -> None:
    """Write a PNG of all takes. The first is the input; the others are outputs."""
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):  # a name may contain dollar signs
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # or letters that the font does not have
        _draw(takes, rate, printable(title), path)


def _draw(takes: Sequence[Take], rate: int, title: str, path: Path) -> None:
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=17, fontweight="bold")
    axes = figure.subplots(len(takes), 2, sharex=True, sharey="col", squeeze=False)
    before = takes[0]
    spectrograms = [_spectrogram(take.audio[0], rate) for take in takes]
    loudest = 10.0 * np.ceil(max(float(levels.max()) for levels in spectrograms) / 10.0)
    seconds = len(before.audio[0]) / rate
    for take, levels, (wave, spectrum) in zip(takes, spectrograms, axes, strict=True):
        _draw_waveform(wave, take, before, rate)
        _draw_spectrogram(spectrum, levels, seconds, loudest)
    peak = max(float(np.max(np.abs(take.audio[0]), initial=1e-3)) for take in takes)
    axes[0, 0].set(xlim=(0.0, seconds), ylim=(-1.1 * peak, 1.1 * peak))
    axes[0, 1].set_title(f"spectrogram, {1000 * WINDOW_SECONDS:.0f} ms window", loc="left", fontsize=13)
    for axis in axes[-1]:
        axis.set_xlabel("time (s)", fontsize=12)
    colour_bar = figure.colorbar(axes[0, 1].images[0], ax=list(axes[:, 1]), pad=0.01, aspect=45)
    colour_bar.set_label("level (dB; 0 is a sine at full scale)", fontsize=12)
    figure.savefig(path, format="png")


def _draw_waveform(axis: Any, take: Take, before: Take, rate: int) -> None:
    axis.set_title(printable(f"{take.name}: {take.setting}"), loc="left", fontsize=13)
    axis.set_ylabel("amplitude", fontsize=12)
    axis.grid(alpha=0.25)
    is_after = take is not before
    axis.fill_between(
        *_envelope(take.audio[0], rate, FILL_POINTS),
        color=WET_COLOUR if is_after else DRY_COLOUR,
        linewidth=0.4,
        label="after" if is_after else "before",
    )
    if is_after:
        times, lowest, highest = _envelope(before.audio[0], rate, OUTLINE_POINTS)
        axis.plot(times, highest, color=OUTLINE_COLOUR, linewidth=1.1, label="before")
        axis.plot(times, lowest, color=OUTLINE_COLOUR, linewidth=1.1)
    if take.curve is not None:
        _draw_curve(axis, take, rate)
    # Next to the title, where it does not cover the waveform.
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), fontsize=11, ncols=2, frameon=False)


def _draw_curve(axis: Any, take: Take, rate: int) -> None:
    """Draw the moving parameter, with its own scale on the right."""
    assert take.curve is not None
    shown = take.curve[:: max(1, len(take.curve) // OUTLINE_POINTS)]
    scale = axis.twinx()
    scale.plot(np.linspace(0.0, len(take.curve) / rate, len(shown)), shown, color=CURVE_COLOUR, linewidth=2.2)
    scale.set_ylim(-0.05, 1.05)
    scale.set_ylabel(printable(take.curve_name), fontsize=12, color=CURVE_COLOUR)
    scale.tick_params(axis="y", colors=CURVE_COLOUR)


def _envelope(audio: Array, rate: int, points: int) -> tuple[Any, Any, Any]:
    """Return the time, the lowest and the highest sample of each slice."""
    edges = np.linspace(0, len(audio), min(points, len(audio)) + 1).astype(int)[:-1]
    return edges / rate, np.minimum.reduceat(audio, edges), np.maximum.reduceat(audio, edges)


def _draw_spectrogram(axis: Any, levels: NDArray[np.float64], seconds: float, loudest: float) -> None:
    low, high = np.log10(FREQUENCY_RANGE_HZ)
    axis.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, seconds, low, high),
        cmap="magma",
        vmin=loudest - DECIBELS_SHOWN,
        vmax=loudest,
        interpolation="nearest",
    )
    axis.set_yticks(np.log10(list(FREQUENCY_TICKS)), list(FREQUENCY_TICKS.values()))
    axis.set_ylabel("frequency (Hz)", fontsize=12)


def _spectrogram(audio: Array, rate: int) -> NDArray[np.float64]:
    """Return levels in dB, of shape (frequency, time), with 0 dB for a full-scale sine and logarithmic frequencies."""
    size = max(64, round(WINDOW_SECONDS * rate))
    padded = np.pad(audio, (size // 2, size))
    starts = np.linspace(0, len(audio), HOPS, endpoint=False).astype(int)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts] * window
    magnitudes = np.abs(np.fft.rfft(frames, axis=1)) * (2.0 / window.sum())
    decibels = 20.0 * np.log10(np.maximum(magnitudes, 1e-9))
    wanted = np.geomspace(*FREQUENCY_RANGE_HZ, FREQUENCY_ROWS)
    bins = np.fft.rfftfreq(size, 1.0 / rate)
    columns = [np.interp(wanted, bins, column, right=-200.0) for column in decibels]
    return np.array(columns).T
