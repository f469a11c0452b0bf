"""Metadata that is JSON, or nearly JSON, with values that nobody expects."""

from __future__ import annotations

import json
import random
from typing import Any

from fuzz.mutate_bytes import mutate_bytes

__all__ = ["silly_metadata", "silly_text"]

CONTROLS = (
    "\x1b]0;title\x1b\\\x1b[2J",
    "\x9b31m",
    "\u202eevil",
    "\u2066x\u2069",
    "a\x00b",
    "\r\n\x08",
    "\ud800",
    "\u200f",
)
KEYS = (
    "model_name",
    "model_authors",
    "model_short_description",
    "model_long_description",
    "technical_description",
    "technical_links",
    "tags",
    "model_version",
    "citation",
    "is_experimental",
    "neutone_parameters",
    "wet_default_value",
    "dry_default_value",
    "input_gain_default_value",
    "output_gain_default_value",
    "native_sample_rates",
    "native_buffer_sizes",
    "is_input_mono",
    "is_output_mono",
    "look_behind_samples",
    "model_delay_samples",
    "sdk_version",
    "pytorch_version",
    "date_created",
    "sample_sound_files",
    "a_key_of_another_host",
)
PARAMETER_KEYS = (
    "name",
    "description",
    "default_value",
    "min_value",
    "max_value",
    "used",
    "type",
    "n_values",
    "labels",
    "max_n_chars",
    "max_n_tokens",
)


def silly_text(rng: random.Random) -> str:
    """Return a text that is long, empty, or has characters that a terminal would act on."""
    kind = rng.randrange(5)
    if kind == 0:
        return "x" * rng.choice([31, 151, 501, 10_000, 3_000_000])
    if kind == 1:
        return ""
    if kind == 2:
        return "[bold red]" * rng.choice([1, 100]) + ":smile: {0} %s %n"
    return "a" + rng.choice(CONTROLS) * rng.choice([1, 1, 5000])


def _silly_value(rng: random.Random) -> Any:
    numbers = (0, -1, 1, 2, 48_000, 1 << 20, 1 << 28, (1 << 28) + 1, 1 << 31, 1 << 63, 1 << 64, 10**400, -(10**400))
    choices: list[Any] = [
        rng.choice(numbers),
        rng.choice([float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324, 0.5, 1.5]),
        silly_text(rng),
        silly_text(rng),
        rng.choice([None, True, False, [], {}, "1", "NaN"]),
        [rng.choice(numbers) for _ in range(rng.choice([1, 2, 3, 1000]))],
        [silly_text(rng) for _ in range(rng.choice([1, 2, 4, 8]))],
        {silly_text(rng): silly_text(rng) for _ in range(rng.choice([1, 2, 4]))},
        {silly_text(rng): rng.choice(numbers)},
    ]
    return rng.choice(choices)


def _parameters(rng: random.Random, count: int) -> dict[str, Any]:
    return {
        f"p{i + 1}": {
            "name": f"n{i}" if rng.random() < 0.99 else silly_text(rng),
            "description": "",
            "default_value": 0.5,
            "used": True,
            "type": "continuous",
        }
        for i in range(count)
    }


def _change(rng: random.Random, fields: dict[str, Any]) -> None:
    parameters = fields.get("neutone_parameters")
    kind = rng.randrange(10)
    if kind < 5:
        fields[rng.choice(KEYS)] = _silly_value(rng)
    elif kind < 8 and isinstance(parameters, dict) and parameters:
        one = parameters[rng.choice(list(parameters))]
        if isinstance(one, dict):
            one[rng.choice(PARAMETER_KEYS)] = _silly_value(rng)
    elif kind == 8:
        fields["neutone_parameters"] = _parameters(rng, rng.choice([1, 4, 5, 100, 1025, 3000, 100_000]))
    else:
        fields.pop(rng.choice(list(fields)), None) if fields else None


def silly_metadata(rng: random.Random, text: bytes) -> bytes:
    """Return changed metadata: most of it is valid JSON, some of it is not even text."""
    fields = json.loads(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _change(rng, fields)
    made = json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    kind = rng.randrange(24)
    if kind == 0:
        depth = rng.choice([10, 900, 1100, 100_000])
        opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
        made = b'{"model_name": "deep", "more": ' + opening * depth + b"1" + closing * depth + b"}"
    elif kind == 1:
        made = mutate_bytes(rng, made, len(made))
    elif kind == 2:
        place = rng.randrange(len(made))
        made = made[:place] + rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00"]) + made[place:]
    elif kind == 3:
        made = rng.choice(
            [b"\xef\xbb\xbf" + made, made.decode("utf-8", "replace").encode("utf-16"), b"", b"null", b"[]"]
        )
    elif kind == 4:
        made = made[:-1] + b', "model_name": "twice", "model_name": 3}'
    elif kind == 5:
        made = b'{"model_name": ' + b"9" * rng.choice([5000, 1_000_000]) + b"}"
    return made
