"""Options that several commands take, and what their text means."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.errors import ConfigurationError, UnknownPluginError

if TYPE_CHECKING:
    from neutone.parameter_set import ParameterSet
    from neutone.parameters import ParameterValue
    from neutone.plugins import Model

__all__ = [
    "BackendName",
    "JsonFlag",
    "LoadOptions",
    "ModelName",
    "open_model",
    "pick_backend",
    "read_parameters",
    "split_pairs",
]

SHIPPED_MODEL = "amp"

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model file, my_model.py:MyWrapper, or 'amp' for the guitar amp that comes with neutone.",
    ),
]
BackendName = Annotated[
    str | None, typer.Option("--backend", help="The backend to load with; by default the file's suffix tells.")
]
LoadOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        help="For the backend, repeatable; for a plain ONNX file e.g. -o sample_rate=44100 -o block_size=2048.",
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _model_file(name: str) -> str:
    from neutone.loading import default_model

    return str(default_model()) if name == SHIPPED_MODEL and not Path(name).exists() else name


def pick_backend(name: str, backend: str | None) -> str:
    """The backend that :func:`open_model` takes."""
    from neutone.loading import names_a_class
    from neutone.plugins import backends

    if backend is not None:
        return backend
    if names_a_class(name):
        return "python"
    suffix = Path(_model_file(name)).suffix.lower()
    for candidate, plugin in backends.all():
        if suffix in plugin.suffixes:
            return candidate
    raise UnknownPluginError(
        f"no installed backend takes {name!r}; it is no model file that neutone knows, or needs --backend, of: "
        f"{', '.join(backends.names())}"
    )


def open_model(name: str, backend: str | None, options: Iterable[str] | None) -> Model:
    """The model of the shared arguments MODEL, ``--backend`` and ``--option``."""
    from neutone.loading import load

    settings = {key: typed(text) for key, text in split_pairs(options, "--option").items()}
    return load(_model_file(name), backend=pick_backend(name, backend), **settings)


def read_parameters(items: Iterable[str] | None, declared: ParameterSet) -> dict[str, ParameterValue]:
    """The values of ``--param name=value``: labels stay text, the rest are numbers."""
    from neutone.parameters import CategoricalNeutoneParameter

    values: dict[str, ParameterValue] = {}
    for name, text in split_pairs(items, "--param").items():
        parameter = declared.declaration(name)
        is_label = isinstance(parameter, CategoricalNeutoneParameter) and text in parameter.choices
        values[name] = text if is_label else _number_or_text(text)
    return values


def split_pairs(items: Iterable[str] | None, option: str, form: str = "name=value") -> dict[str, str]:
    """What a repeatable option NAME=VALUE was given, by name."""
    pairs = {}
    for item in items or ():
        key, equals, text = item.partition("=")
        if not (key.strip() and equals and text.strip()):
            raise ConfigurationError(f"{option} is {item!r}, expected {form}")
        if key.strip() in pairs:
            raise ConfigurationError(f"{option} is given twice for {key.strip()}")
        pairs[key.strip()] = text.strip()
    return pairs


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def typed(text: str) -> Any:
    """An integer, a number, true or false, else text: what keyword arguments in Python would be."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        return _number_or_text(text)
