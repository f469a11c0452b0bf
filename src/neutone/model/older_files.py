"""Metadata of files that other programs wrote, brought into today's schema: whatever can be played is accepted.

Reading is lenient and writing is strict: ``ModelMetadata.from_json`` uses this, and ``ModelMetadata(...)`` does not.
The oddities are those of the public files that neutone_sdk 1.1 to 1.5 wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neutone.errors import shown

LONGEST_TEXT = 10_000
"""A longer text is an attack rather than a long description; the schema refuses it."""

NUMBERS = ("used", "default_value", "min_value", "max_value")

Report = Callable[[str], None]


def brought_up_to_date(
    fields: Mapping[str, Any], limits: Mapping[str, int], longest_tag: int
) -> tuple[dict[str, Any], list[str]]:
    """Return the fields as today's schema has them, and a line for each thing that was odd.

    Args:
        fields: The metadata as the file has it.
        limits: The most characters of each text, and the most items of ``tags``, by field.
        longest_tag: The most characters of a tag.

    >>> fields = {"neutone_parameters": {"p1": {"name": "", "type": "knob", "used": "False", "default_value": "0.5"}}}
    >>> updated, odd = brought_up_to_date(fields, {}, 15)
    >>> updated["neutone_parameters"]["p1"]
    {'name': 'p1', 'type': 'continuous', 'used': 'False', 'default_value': '0.5'}
    >>> odd
    ["the parameter 'p1' has no name", "used and default_value of 'p1' are text"]
    """
    updated, odd, as_text = dict(fields), list[str](), dict[str, list[str]]()
    parameters = fields.get("neutone_parameters")
    if isinstance(parameters, Mapping):
        updated["neutone_parameters"] = {
            key: _parameter(key, dict(parameter), odd.append, as_text) if isinstance(parameter, Mapping) else parameter
            for key, parameter in parameters.items()
        }
    for what, keys in as_text.items():
        odd.append(f"{what} of {in_a_row([shown(key) for key in keys])} are text")
    for name, most in limits.items():
        value = fields.get(name)
        if isinstance(value, str) and most < len(value) <= LONGEST_TEXT:
            odd.append(f"{name} has {len(value)} characters, expected {most} at most")
            updated[name] = value[: most - 3] + "..."
    tags = fields.get("tags")
    if isinstance(tags, list) and all(isinstance(tag, str) and len(tag) <= LONGEST_TEXT for tag in tags):
        if long := [tag for tag in tags if len(tag) > longest_tag]:
            odd.append(f"{len(long)} tags are longer than {longest_tag} characters, the first is {shown(long[0])}")
        if len(tags) > limits.get("tags", len(tags)):
            odd.append(f"there are {len(tags)} tags, expected {limits['tags']} at most")
        updated["tags"] = [tag[:longest_tag] for tag in tags[: limits.get("tags")]]
    return updated, odd


def in_a_row(words: list[str]) -> str:
    """Return words as a part of a sentence.

    >>> in_a_row(["p1", "p2", "p3"])
    'p1, p2 and p3'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _parameter(key: str, parameter: dict[str, Any], report: Report, as_text: dict[str, list[str]]) -> dict[str, Any]:
    """Return one parameter as of today: up to version 1.4 each is a knob, unused ones have the name '', and numbers and
    truth values may be text, which the schema reads."""
    if parameter.get("type") == "knob":
        parameter["type"] = "continuous"
    if parameter.get("name") == "":
        report(f"the parameter {shown(key)} has no name")
        parameter["name"] = key
    texts = [name for name in NUMBERS if isinstance(parameter.get(name), str)]
    if texts and parameter.get("type", "continuous") == "continuous":
        as_text.setdefault(in_a_row(texts), []).append(key)
    return parameter
