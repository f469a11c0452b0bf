"""A module in each of the forms that it has on its way into a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from neutone.sdk import load_script, save_script, script


def reloaded(module: nn.Module) -> Any:
    """Return the module scripted, saved and loaded again."""
    file = io.BytesIO()
    save_script(script(module), file)
    file.seek(0)
    return load_script(file)[0]


FORMS: dict[str, Callable[[nn.Module], Any]] = {"eager": lambda module: module, "scripted": script, "loaded": reloaded}
in_every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
