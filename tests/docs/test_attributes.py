"""help() of a public class tells what each of its attributes is: the class's docstring lists them."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

PACKAGES = ("neutone", "neutone.plugins", "neutone.sandbox", "neutone.sdk")
CONTRACTS = ("Backend", "Device", "Exporter", "Model", "Plugin", "Session")


def public_classes() -> Iterator[type[Any]]:
    for package in PACKAGES:
        if package == "neutone.sdk":
            pytest.importorskip("torch")
        module = importlib.import_module(package)
        yield from (found for name in module.__all__ if isinstance(found := getattr(module, name), type))


def fields(found: type[Any]) -> list[str]:
    """Return the names of a class's data: the fields of a record, or what a plug-in must or may define."""
    if dataclasses.is_dataclass(found):
        return [field.name for field in dataclasses.fields(found)]
    if issubclass(found, BaseModel):
        return [name for name in found.model_fields if name != "type"]
    if found.__name__ in CONTRACTS:
        return list(found.__annotations__)
    return list(getattr(found, "_fields", ()))


def test_the_docstring_of_a_class_lists_its_attributes() -> None:
    missing, seen = [], 0
    for found in dict.fromkeys(public_classes()):
        section = re.search(r"^Attributes:\n((?: {4}.*\n?)+)", inspect.cleandoc(found.__doc__ or ""), re.M)
        listed = re.findall(r"^ {4}(\w[\w, ]*):", section[1], re.M) if section else []
        described = {name for names in listed for name in names.split(", ")}
        missing += [f"{found.__name__}.{name}" for name in fields(found) if name not in described]
        seen += len(described)
    assert missing == []
    assert seen > 100
