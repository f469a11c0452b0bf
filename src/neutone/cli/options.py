"""Options that several commands share, and how their text is parsed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.errors import ConfigurationError, UnknownPluginError, UntrustedFileError, printable

if TYPE_CHECKING:
    from neutone.engine.parameter_set import ParameterSet
    from neutone.model.parameters import ParameterValue
    from neutone.plugins import Model, ModelSummary

SHIPPED_MODEL = "amp"

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model file, my_model.py:MyWrapper, or 'amp' for the guitar amp that comes with neutone; "
        "render, live and bench also take several in a row, such as amp+other.onnx.",
    ),
]
BackendName = Annotated[
    str | None, typer.Option("--backend", help="The backend to load with; by default the file's suffix decides.")
]
LoadOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        help="A backend option; repeatable. For a plain ONNX file e.g. -o sample_rate=44100 -o block_size=2048.",
    ),
]
TrustFlag = Annotated[bool, typer.Option("--trust", help="Let a fetched model file run its code; this is remembered.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _model_file(name: str) -> str:
    from neutone.plugins.loading import default_model

    return str(default_model()) if name == SHIPPED_MODEL and not Path(name).exists() else name


def pick_backend(name: str, backend: str | None) -> str:
    """Return the name of the backend that :func:`open_model` uses."""
    from neutone.plugins import backends
    from neutone.plugins.loading import names_a_class

    if backend is not None:
        return backend
    if names_a_class(name):
        return "python"
    suffix = Path(_model_file(name)).suffix.lower()
    for candidate, plugin in backends.all():
        if suffix in plugin.suffixes:
            return candidate
    raise UnknownPluginError(
        f"no installed backend takes {name!r}; it is not a model file, or it needs --backend with one of: "
        f"{', '.join(backends.names())}"
    )


def models_in(name: str) -> list[str]:
    """Return the models that a MODEL argument names: those between plus signs, unless a file has the whole name.

    >>> models_in("amp+other.onnx")
    ['amp', 'other.onnx']
    """
    parts = [part.strip() for part in name.split("+")]
    return [name] if Path(name).exists() or not all(parts) else parts


def open_model(name: str, backend: str | None, options: Iterable[str] | None, trust: bool = False) -> Model:
    """Load the model that the shared options MODEL, ``--backend``, ``--option`` and ``--trust`` describe: a chain if it
    names several. On a terminal the user is asked whether a fetched file may run its code."""
    from neutone.engine.chain import Chain

    names, options = models_in(name), list(options or ())
    models = [_open_single_model(single, backend, options, trust) for single in names]
    return models[0] if len(models) == 1 else Chain(models)


def _open_single_model(name: str, backend: str | None, options: list[str], trust: bool) -> Model:
    from neutone.plugins.loading import load

    file, chosen, settings = _model_file(name), pick_backend(name, backend), _settings(options)
    try:
        return load(file, backend=chosen, trust=trust, **settings)
    except UntrustedFileError:
        if not _has_terminal():
            raise
        if not typer.confirm(f"{printable(file)} was fetched. Opening it runs its code. Do you trust it?", err=True):
            raise
        return load(file, backend=chosen, trust=True, **settings)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def inspect_model(name: str, backend: str | None, options: Iterable[str] | None) -> ModelSummary:
    """Return what the file says about its model. None of its code is run."""
    from neutone.plugins.loading import inspect

    return inspect(_model_file(name), backend=pick_backend(name, backend), **_settings(options))


def _settings(options: Iterable[str] | None) -> dict[str, Any]:
    return typed_pairs(options, "--option")


def read_parameters(items: Iterable[str] | None, declared: ParameterSet) -> dict[str, ParameterValue]:
    """Parse ``--param name=value`` options. Labels stay text; all other values are numbers."""
    from neutone.model.parameters import CategoricalNeutoneParameter

    values: dict[str, ParameterValue] = {}
    for name, text in split_pairs(items, "--param").items():
        parameter = declared.declaration(name)
        is_label = isinstance(parameter, CategoricalNeutoneParameter) and text in parameter.choices
        values[name] = text if is_label else _number_or_text(text)
    return values


def split_pairs(items: Iterable[str] | None, option: str, form: str = "name=value") -> dict[str, str]:
    """Parse a repeatable option NAME=VALUE. Returns the values by name, as text."""
    pairs = {}
    for item in items or ():
        key, equals, text = item.partition("=")
        if not (key.strip() and equals and text.strip()):
            raise ConfigurationError(f"{option} is {item!r}, expected {form}")
        if key.strip() in pairs:
            raise ConfigurationError(f"{option} is given twice for {key.strip()}")
        pairs[key.strip()] = text.strip()
    return pairs


def typed_pairs(items: Iterable[str] | None, option: str) -> dict[str, Any]:
    """Parse a repeatable option NAME=VALUE. Values become integers, numbers or booleans if they look like it."""
    return {key: typed(text) for key, text in split_pairs(items, option).items()}


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def typed(text: str) -> Any:
    """Convert text to an integer, a number or a boolean if it looks like one."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        return _number_or_text(text)
