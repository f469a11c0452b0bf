"""What a render loses, counted while it runs, with a warning for each kind: samples that are no numbers, channels that
cancel each other when they are mixed, and samples beyond full scale."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from neutone.engine.engine import Engine
from neutone.engine.mix import GAIN_RANGE_DB
from neutone.errors import CancelledAudioWarning, ClippedAudioWarning, NonFiniteAudioWarning

Array = NDArray[np.float32]

CANCELLED_DB = 20.0
"""How much quieter than its channels a mix must be for a warning. Unrelated channels lose 3 dB, equal ones none."""


class Losses:
    """Counts what is lost while an engine renders a signal.

    Args:
        engine: The engine that renders.
        clips: Whether the result is written as integers, which end at full scale.
    """

    def __init__(self, engine: Engine, *, clips: bool) -> None:
        self._engine, self._clips = engine, clips
        self._mixes = engine.model.input_channels < engine.channels
        self._in = self._mixed = 0.0
        self._clipped, self._peak = 0, 0.0

    def hear(self, audio: Array) -> None:
        """Take account of a block of input."""
        if not self._mixes:
            return
        finite = np.where(np.isfinite(audio), audio, np.float32(0.0)).astype(np.float64)
        mixed = self._engine.model.input_channels
        for channel in range(mixed):
            sources = finite[channel::mixed]
            if len(sources) > 1:
                self._in += float(np.mean(np.sum(sources**2, axis=1)))
                self._mixed += float(np.sum(np.mean(sources, axis=0) ** 2))

    def write(self, audio: Array) -> None:
        """Take account of a block of output."""
        if self._clips and audio.size:
            level = np.abs(audio)
            self._clipped += int(np.count_nonzero(level > 1.0))
            self._peak = max(self._peak, float(level.max()))

    def warn(self, source: str, target: str, unclipped: str) -> None:
        """Warn about all that was lost, a line for each kind. Call it once the signal is complete.

        Args:
            source: The name of the input, for the messages.
            target: The name of the output.
            unclipped: What to write instead of integers.
        """
        stats = self._engine.stats
        if stats.nonfinite_input:
            _warn(
                f"{source} has {_samples(stats.nonfinite_input)} that {_are(stats.nonfinite_input)} NaN or infinite; "
                f"they became silence",
                NonFiniteAudioWarning,
            )
        if stats.nonfinite_output:
            _warn(
                f"{source}: {_samples(stats.nonfinite_output)} of the model's output {_are(stats.nonfinite_output)} "
                f"NaN or infinite; they became silence",
                NonFiniteAudioWarning,
            )
        if self._in > self._mixed * 10.0 ** (CANCELLED_DB / 10.0):
            loss = f"{10.0 * math.log10(self._in / self._mixed):.0f} dB" if self._mixed else "everything"
            _warn(
                f"{source}: the channels have opposite phase, and mixing them for the model loses {loss}; "
                f"channels='dual' (--channels dual) runs the model on each channel",
                CancelledAudioWarning,
            )
        if self._clipped:
            _warn(f"{target}: {self._describe_clipping(unclipped)}", ClippedAudioWarning)

    def _describe_clipping(self, unclipped: str) -> str:
        excess = 20.0 * math.log10(self._peak)
        gain = math.floor(10.0 * (self._engine.output_gain_db - excess)) / 10.0
        by_gain = f"output_gain_db={gain:.1f} (--output-gain {gain:.1f}) or " if gain >= -GAIN_RANGE_DB else ""
        return f"{_samples(self._clipped)} clipped, by up to {excess:.1f} dB; {by_gain}{unclipped} avoids it"


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _are(count: int) -> str:
    return "was" if count == 1 else "were"


def _warn(message: str, category: type[Warning]) -> None:
    warnings.warn(message, category, stacklevel=4)  # the caller of render or render_file
