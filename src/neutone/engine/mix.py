"""The engine's gains, and its mix of the model's output with the input."""

from __future__ import annotations

import math
from collections.abc import Callable

from neutone.errors import ConfigurationError, shown

GAIN_RANGE_DB = 30.0


def decibels_of_unit(unit: float) -> float:
    """Convert a gain from a model file, 0..1, to decibels, -30..30 dB.

    >>> decibels_of_unit(0.5)
    0.0
    """
    return (2.0 * unit - 1.0) * GAIN_RANGE_DB


class MixLevels:
    """The engine's four levels: input gain, output gain, wet and dry. A change ramps over the next block."""

    def __init__(self, *, input_gain_db: float, output_gain_db: float, wet: float, dry: float) -> None:
        self._levels = {"input_gain": input_gain_db, "output_gain": output_gain_db, "wet": wet, "dry": dry}
        self._send_level: Callable[[str, float], None] = _to_nobody

    def attach_levels(self, send: Callable[[str, float], None]) -> None:
        """Send every level and each later change as a linear factor to `send(name, factor)`."""
        self._send_level = send
        self.send_levels_to(send)

    def send_levels_to(self, send: Callable[[str, float], None]) -> None:
        """Send the current value of every level as a linear factor to `send(name, factor)`."""
        for name in self._levels:
            send(name, self._factor(name))

    @property
    def wet(self) -> float:
        """The level of the model's output in the mix, 0..1."""
        return self._levels["wet"]

    @wet.setter
    def wet(self, level: float) -> None:
        self._set_level("wet", level, 0.0, 1.0)

    @property
    def dry(self) -> float:
        """The level of the unprocessed input in the mix, 0..1.
        It is delayed to match the output; ``input_gain_db`` does not affect it."""
        return self._levels["dry"]

    @dry.setter
    def dry(self, level: float) -> None:
        self._set_level("dry", level, 0.0, 1.0)

    @property
    def input_gain_db(self) -> float:
        """The gain before the model, -30..30 dB."""
        return self._levels["input_gain"]

    @input_gain_db.setter
    def input_gain_db(self, gain: float) -> None:
        self._set_level("input_gain", gain, -GAIN_RANGE_DB, GAIN_RANGE_DB)

    @property
    def output_gain_db(self) -> float:
        """The gain after the mix, -30..30 dB."""
        return self._levels["output_gain"]

    @output_gain_db.setter
    def output_gain_db(self, gain: float) -> None:
        self._set_level("output_gain", gain, -GAIN_RANGE_DB, GAIN_RANGE_DB)

    def _set_level(self, name: str, value: float, low: float, high: float) -> None:
        try:
            number = math.nan if isinstance(value, bool | str | bytes) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high:  # NaN too
            unit = "_db" if name.endswith("gain") else ""
            raise ConfigurationError(f"{name}{unit} is {shown(value)}, expected a number from {low:g} to {high:g}")
        self._levels[name] = number
        self._send_level(name, self._factor(name))

    def _factor(self, name: str) -> float:
        value = self._levels[name]
        return 10.0 ** (value / 20.0) if name.endswith("gain") else value


def _to_nobody(name: str, factor: float) -> None:
    """Do nothing: the receiver of levels before there is a stream."""
