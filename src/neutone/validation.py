"""The checks of integer arguments and sample rates, which most of the package shares."""

from __future__ import annotations

import contextlib
import operator
from typing import Any

from neutone.errors import ConfigurationError, shown


def require_integer(value: Any, name: str, least: int | None = None, most: int | None = None, *, unit: str = "") -> int:
    """Return an argument that must be an integer from `least` to `most`.

    Values that are like integers become Python integers, because small NumPy integers would overflow in later
    arithmetic. True and False are not accepted.

    Raises:
        neutone.errors.ConfigurationError: It is something else. The message has the name, the value and the range.

    >>> require_integer(2, "threads", 1, 1024)
    2
    """
    number: int | None = None
    if not isinstance(value, bool):
        with contextlib.suppress(TypeError):
            number = operator.index(value)
    if number is None or (least is not None and number < least) or (most is not None and number > most):
        low = "" if least is None else f" from {least}"
        high = "" if most is None else f" to {most}"
        raise ConfigurationError(f"{name} is {shown(value)}, expected an integer{low}{high}{unit and f' ({unit})'}")
    return number


def whole_rate(value: Any) -> Any:
    """Return a sample rate that is a whole float, such as the 48000.0 of a division, as an integer. Anything else is
    returned as it is, for :func:`require_integer` to judge.

    >>> whole_rate(48_000.0), whole_rate(44_100.5)
    (48000, 44100.5)
    """
    number = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    return int(number) if isinstance(number, float) and number.is_integer() else value
