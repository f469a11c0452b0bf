"""Checks of the options that a backend or an exporter takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from neutone.errors import ConfigurationError
from neutone.validation import require_integer


def refuse_unknown_options(
    plugin: str, options: Mapping[str, Any], known: Collection[str], kind: str = "backend"
) -> None:
    """Raise :class:`~neutone.errors.ConfigurationError` if there is an option that is not in `known`.

    >>> refuse_unknown_options("onnx", {"threads": 2}, ["threads"])
    """
    unknown = sorted(set(options) - set(known))
    if unknown:
        taken = ", ".join(known) or "none"
        raise ConfigurationError(f"the {plugin} {kind} has no option {unknown[0]!r}; it takes {taken}")


def integer_option(options: Mapping[str, Any], name: str, least: int, most: int | None = None) -> int | None:
    """Return an option that must be an integer from `least` to `most`, or None if it is not given.

    >>> integer_option({"threads": 2}, "threads", 1), integer_option({}, "threads", 1)
    (2, None)
    """
    value = options.get(name)
    if value is None:
        return None
    return require_integer(value, name, least, most)


def boolean_option(options: Mapping[str, Any], name: str) -> bool:
    """Return an option that must be True or False, or False if it is not given.

    >>> boolean_option({"strict": True}, "strict"), boolean_option({}, "strict")
    (True, False)
    """
    value = options.get(name, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {value!r}, expected True or False")
    return value
