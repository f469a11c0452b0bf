"""The parameters of a running engine, by name."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from neutone.errors import UnknownParameterError
from neutone.model.declared_parameters import DeclaredParameters

if TYPE_CHECKING:
    from neutone.model.parameters import NumericalNeutoneParameter, ParameterValue

_float32 = struct.Struct("f")


def _as_float32(value: float) -> float:
    rounded: float = _float32.unpack(_float32.pack(value))[0]
    return rounded


class ParameterSet(MutableMapping[str, "ParameterValue"]):
    """The parameters of a running engine: a mapping from names to natural values.

    A change ramps over the next block. The names are fixed by the model: an unknown name raises
    :class:`~neutone.errors.UnknownParameterError` (a :class:`KeyError`), and a value out of range raises
    :class:`~neutone.errors.ParameterError` (a :class:`ValueError`). Deleting a parameter restores its default.

    >>> from neutone.model.parameters import ContinuousNeutoneParameter
    >>> parameters = ParameterSet([ContinuousNeutoneParameter("drive", "dB", 6.0, 0.0, 40.0)])
    >>> parameters["drive"] = 12
    >>> dict(parameters)
    {'drive': 12.0}
    """

    def __init__(self, declared: Sequence[NumericalNeutoneParameter]) -> None:
        self._declared = DeclaredParameters(declared)
        self._units = [parameter.default_unit for parameter in declared]
        self._send: Callable[[int, float], None] | None = None
        self._read: Callable[[int], float] | None = None

    def attach(self, send: Callable[[int, float], None], read: Callable[[int], float] | None = None) -> None:
        """Send every value and each later change to `send(row, unit)`, with `unit` in 0..1. `read(row)` returns the
        current 0..1 value, which others may have changed, such as a host's MIDI controls."""
        self._units = [self._unit(row) for row in range(len(self._units))]
        self._send, self._read = send, read
        self.send_to(send)

    def send_to(self, send: Callable[[int, float], None]) -> None:
        """Send the current value of every parameter to `send(row, unit)`, with `unit` in 0..1."""
        for row in range(len(self._units)):
            send(row, self._unit(row))

    def _unit(self, row: int) -> float:
        """Return the current 0..1 value:
        the one set here if it equals the one that is read, because it has more digits."""
        mine = self._units[row]
        if self._read is None:
            return mine
        now = self._read(row)
        return mine if _as_float32(mine) == now else now

    def declaration(self, name: str) -> NumericalNeutoneParameter:
        """Return the model's declaration of a parameter: its range, default and description."""
        return self._declared[name]

    def _find(self, name: str) -> tuple[int, NumericalNeutoneParameter]:
        parameter = self._declared[name]
        return self._declared.row(name), parameter

    def _set_unit(self, row: int, unit: float) -> None:
        self._units[row] = unit
        if self._send is not None:
            self._send(row, unit)

    def update(self, values: Mapping[str, ParameterValue] = {}, /, **more: ParameterValue) -> None:  # type: ignore[override]
        """Set several parameters, or none if one of the names or values is wrong."""
        wanted = []
        for name, value in {**values, **more}.items():
            row, parameter = self._find(name)
            wanted.append((row, parameter.to_unit(value)))
        for row, unit in wanted:
            self._set_unit(row, unit)

    def __getitem__(self, name: str) -> ParameterValue:
        row, parameter = self._find(name)
        return parameter.from_unit(self._unit(row))

    def __setitem__(self, name: str, value: ParameterValue) -> None:
        row, parameter = self._find(name)
        self._set_unit(row, parameter.to_unit(value))

    def __delitem__(self, name: str) -> None:
        row, parameter = self._find(name)
        self._set_unit(row, parameter.default_unit)

    def clear(self) -> None:
        """Restore the default of every parameter."""
        for name in self:
            del self[name]

    def pop(self, name: str, *default: object) -> ParameterValue:
        """Return a parameter's value and restore its default. The name stays, because the model fixes the names."""
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, ParameterValue]:
        """Raise :class:`~neutone.errors.UnknownParameterError`: a model's parameters cannot be removed."""
        raise UnknownParameterError("a model's parameters cannot be removed; clear() puts their defaults back")

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def __repr__(self) -> str:
        return f"ParameterSet({dict(self)!r})"
