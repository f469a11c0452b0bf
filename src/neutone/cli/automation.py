"""Parameters that change over time on the command line: ``--param drive=0..1@2s`` and ``--curve drive=curve.csv``."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.cli.options import read_parameters, split_pairs
from neutone.errors import ConfigurationError, ParameterError

if TYPE_CHECKING:
    from neutone.engine.parameter_set import ParameterSet

RAMP = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+)@(?P<time>[^@]+?)\s*(?P<unit>m?s)?")
RAMP_FORM = "FIRST..LAST@SECONDS, such as 0..1@2s"


def read_automation(
    params: Iterable[str] | None, curves: Iterable[str] | None, declared: ParameterSet
) -> dict[str, Any]:
    """Return what ``--param`` and ``--curve`` say, by name: values, breakpoints, and lists with one value a frame.

    Raises :class:`~neutone.errors.NeutoneError` if one of them cannot be read."""
    ramps, constants = {}, []
    for item in params or ():
        name, equals, text = item.partition("=")
        if equals and ".." in text and (found := RAMP.fullmatch(text.strip())):
            if name.strip() in ramps:
                raise ConfigurationError(f"--param is given twice for {name.strip()}")
            ramps[name.strip()] = _ramp(name.strip(), text, found)
        else:
            constants.append(item)
    files = {name: read_curve(Path(file)) for name, file in split_pairs(curves, "--curve", "NAME=FILE.csv").items()}
    values: dict[str, Any] = dict(read_parameters(constants, declared))
    for option, others in (("--param", ramps), ("--curve", files)):
        for name, curve in others.items():
            if name in values:
                raise ConfigurationError(f"{option} is given for {name}, which has a --param already")
            values[name] = curve
    return values


def _ramp(name: str, text: str, found: re.Match[str]) -> list[tuple[float, float]]:
    try:
        first, last, time = (float(found[part]) for part in ("first", "last", "time"))
    except ValueError:
        raise ParameterError(f"--param {name} is {text!r}, expected a value, or {RAMP_FORM}") from None
    return [(0.0, first), (time / 1000.0 if found["unit"] == "ms" else time, last)]


def read_curve(path: Path) -> list[Any]:
    """Read a curve from a CSV file: lines ``seconds,value`` are breakpoints, lines with one number are one value a
    frame. A first line without a number is a heading; empty lines and those that start with ``#`` are skipped."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                (line, [field.strip() for field in row])
                for line, row in enumerate(csv.reader(file), 1)
                if any(field.strip() for field in row) and not row[0].lstrip().startswith("#")
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file with comma-separated values"
        raise ConfigurationError(f"cannot read the curve {os.fspath(path)}: {reason}") from None
    if rows and not any(_number(field) is not None for field in rows[0][1]) and len(rows) > 1:
        rows = rows[1:]
    if not rows:
        raise ConfigurationError(f"the curve {path} is empty, expected lines SECONDS,VALUE or one VALUE a frame")
    columns = len(rows[0][1])
    for line, row in rows:
        time = _number(row[0])
        if len(row) != columns or columns not in (1, 2) or (columns == 2 and time is None):
            raise ConfigurationError(
                f"line {line} of the curve {path} is {','.join(row)!r}, expected SECONDS,VALUE on each line, or one "
                f"VALUE on each"
            )
    if columns == 1:
        return [_value(row[0]) for _, row in rows]
    return [(_number(row[0]), _value(row[1])) for _, row in rows]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _value(text: str) -> float | str:
    number = _number(text)
    return text if number is None else number
