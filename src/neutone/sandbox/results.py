"""The results of a sandboxed function that returns files, and how they are sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_REPLY = 4 << 20
"""The most bytes of JSON in a reply."""
MAX_MESSAGE = 2000


@dataclass(frozen=True)
class Results:
    """What a sandboxed function returns if it returns files.

    Attributes:
        value: A value that JSON can hold.
        files: The contents of the files, by name.
    """

    value: Any
    files: Mapping[str, bytes] = field(default_factory=dict)


def encode_results(results: Any) -> bytes:
    """Return a line of JSON, with the files' contents after it."""
    if not isinstance(results, Results):
        results = Results(results)
    sizes = {name: len(content) for name, content in results.files.items()}
    line = json.dumps({"value": results.value, "files": sizes}).encode()
    return b"".join([line, b"\n", *results.files.values()])


def encode_failure(kind: str, message: str) -> bytes:
    """Return a line of JSON. `kind` is the name of a class in :mod:`neutone.errors`, ``memory``, ``refused`` or
    empty."""
    return json.dumps({"error": kind, "message": message[:MAX_MESSAGE]}).encode() + b"\n"


def plain_text(value: Any) -> Any:
    """Return the value with every text in it made safe to show. Control characters could move a terminal's cursor,
    change its title or hide what was printed before.

    >>> plain_text({"name": "tap" + chr(27) + "[2Je"})
    {'name': 'tap?[2Je'}
    """
    if isinstance(value, str):
        return "".join(c if c.isprintable() or c == "\n" else "?" for c in value)
    if isinstance(value, list):
        return [plain_text(item) for item in value]
    if isinstance(value, dict):
        return {plain_text(key): plain_text(item) for key, item in value.items()}
    return value
