"""Parameters that change over time: arrays with one value a frame, and breakpoints between which values move."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutone.engine.parameter_set import ParameterSet
from neutone.errors import AudioTypeError, ParameterError, ShapeError, is_array, shown
from neutone.model.parameters import CategoricalNeutoneParameter, NumericalNeutoneParameter

Array = NDArray[np.float32]


class Curves(ABC):
    """The values of all declared parameters at each frame of a signal, 0..1."""

    @abstractmethod
    def cut(self, start: int, frames: int) -> Array:
        """Return the values of some frames: float32 of shape (parameters, frames)."""


class CurveArray(Curves):
    """An array with a row for each declared parameter, and a value in 0..1 for each frame."""

    def __init__(self, params: NDArray[Any], parameters: int, frames: int | None) -> None:
        if params.ndim != 2 or params.shape[0] != parameters or frames not in (None, params.shape[1]):
            raise ShapeError(
                f"params has shape {params.shape}, expected ({parameters}, {'frames' if frames is None else frames}): "
                f"a row for each declared parameter"
            )
        if params.dtype.kind not in "fiu":
            raise AudioTypeError(f"params holds {params.dtype}, expected numbers from 0 to 1")
        self._values = params.astype(np.float32, copy=False)
        if params.size:
            low, high = float(params.min()), float(params.max())
            if not (low >= 0.0 and high <= 1.0):  # NaN too
                raise ParameterError(f"params has values from {low:g} to {high:g}, expected curves from 0 to 1")

    def cut(self, start: int, frames: int) -> Array:
        return self._values[:, start : start + frames]


class NamedCurves(Curves):
    """Curves of some parameters, by name and in natural units. The other parameters keep their values."""

    def __init__(self, curves: Mapping[str, Any], parameters: ParameterSet, sample_rate: int, frames: int | None):
        self._constants = np.array(
            [parameters.declaration(name).to_unit(value) for name, value in parameters.items()], np.float32
        )
        rows = {name: row for row, name in enumerate(parameters)}
        self._rows: dict[int, _Values | _Breakpoints] = {}
        for name, curve in curves.items():
            declared = parameters.declaration(name)
            points = breakpoints_of(curve)
            self._rows[rows[name]] = (
                _Values(curve, declared, frames) if points is None else _Breakpoints(points, declared, sample_rate)
            )

    def cut(self, start: int, frames: int) -> Array:
        values = np.repeat(self._constants[:, np.newaxis], frames, axis=1)
        for row, curve in self._rows.items():
            values[row] = curve.cut(start, frames)
        return values


class _Values:
    """One value for each frame."""

    def __init__(self, values: Any, declared: NumericalNeutoneParameter, frames: int | None) -> None:
        array = np.asarray(values)
        if array.ndim != 1 or array.size == 0 or frames not in (None, array.size):
            raise ShapeError(
                f"the curve of {declared.name!r} has shape {array.shape}, expected "
                f"({'frames' if frames is None else frames},), one value a frame, or breakpoints "
                f"[(seconds, value), ...]"
            )
        self._units = declared.to_units(array).astype(np.float32)

    def cut(self, start: int, frames: int) -> Array:
        return self._units[start : start + frames]


class _Breakpoints:
    """Values at some times. Between them a number moves in a straight line; a choice stays until the next one."""

    def __init__(self, points: list[tuple[Any, Any]], declared: NumericalNeutoneParameter, sample_rate: int) -> None:
        try:
            seconds = np.array([float(time) for time, _ in points])
        except (TypeError, ValueError):
            raise ParameterError(
                f"the breakpoints of {declared.name!r} are {shown(points)}, expected [(seconds, value), ...]"
            ) from None
        if not (np.isfinite(seconds).all() and seconds[0] >= 0.0 and (np.diff(seconds) >= 0.0).all()):
            raise ParameterError(
                f"the breakpoints of {declared.name!r} are at {shown(seconds.tolist())} s, expected times from 0 on, "
                f"in order"
            )
        self._steps = isinstance(declared, CategoricalNeutoneParameter)
        self._frames = seconds * sample_rate
        self._units: NDArray[np.float64] = np.array([declared.to_unit(value) for _, value in points])

    def cut(self, start: int, frames: int) -> NDArray[np.float64]:
        times = np.arange(start, start + frames)
        if self._steps:
            latest = np.searchsorted(self._frames, times, side="right") - 1
            return self._units[np.maximum(latest, 0)]
        return np.interp(times, self._frames, self._units)


def is_curve(value: object) -> bool:
    """Return whether a parameter's value is a curve, and not a number or a label.

    >>> is_curve(0.5), is_curve("lead"), is_curve([(0.0, 0.1), (2.0, 0.9)])
    (False, False, True)
    """
    return is_array(value) or (isinstance(value, Sequence) and not isinstance(value, str | bytes))


def breakpoints_of(curve: Any) -> list[tuple[Any, Any]] | None:
    """Return the breakpoints of a curve, (seconds, value) pairs, or None if it has one value a frame."""
    if is_array(curve):
        return [tuple(row) for row in curve.tolist()] if len(curve.shape) == 2 and curve.shape[1] == 2 else None
    if curve and all(isinstance(point, Sequence) and not isinstance(point, str | bytes) for point in curve):
        if any(len(point) != 2 for point in curve):
            raise ParameterError(f"breakpoints are {shown(curve)}, expected [(seconds, value), ...]")
        return [(time, value) for time, value in curve]
    return None
