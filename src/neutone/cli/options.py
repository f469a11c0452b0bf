"""Options that several commands share, and how their text is parsed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.errors import ConfigurationError, UntrustedFileError, printable

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
        "or several in a row, such as amp+other.onnx.",
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


def open_model(name: str, backend: str | None, options: Iterable[str] | None, trust: bool = False) -> Model:
    """Load the model that the shared options MODEL, ``--backend``, ``--option`` and ``--trust`` describe: a chain if it
    names several. On a terminal the user is asked whether a fetched file may run its code."""
    from neutone.engine.chain import Chain
    from neutone.plugins.loading import models_in

    names, options = models_in(name), list(options or ())
    models = [_open_single_model(single, backend, options, trust) for single in names]
    return models[0] if len(models) == 1 else Chain(models)


def _open_single_model(name: str, backend: str | None, options: list[str], trust: bool) -> Model:
    from neutone.plugins.loading import load

    settings = backend_options(options)
    try:
        return load(name, backend=backend, trust=trust, **settings)
    except UntrustedFileError:
        if not _has_terminal():
            raise
        if not typer.confirm(f"{printable(name)} was fetched. Opening it runs its code. Do you trust it?", err=True):
            raise
        return load(name, backend=backend, trust=True, **settings)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def inspect_model(name: str, backend: str | None, options: Iterable[str] | None) -> tuple[ModelSummary, str]:
    """Return what the file says about its model, and the backend's name. None of its code is run."""
    from neutone.plugins.loading import backend_name, inspect, models_in

    names, settings = models_in(name), backend_options(options)
    chosen = [backend_name(single, backend) for single in names]
    if len(names) == 1:
        return inspect(name, backend=backend, **settings), chosen[0]
    return _inspect_chain(names, chosen, settings), " + ".join(chosen)


def _inspect_chain(names: list[str], chosen: list[str], settings: dict[str, Any]) -> ModelSummary:
    from neutone.engine.chain import Chain
    from neutone.plugins import ModelSummary, backends
    from neutone.plugins.loading import load, names_a_class

    for name, backend in zip(names, chosen, strict=True):
        if backends.get(backend).runs_code and not names_a_class(name):
            raise ConfigurationError(
                f"a chain is known when its models are loaded, and {name} runs code then, which info does not do: "
                f"inspect its models one by one"
            )
    models = (load(name, backend=backend, **settings) for name, backend in zip(names, chosen, strict=True))
    return ModelSummary.of(Chain(models))


def backend_options(options: Iterable[str] | None) -> dict[str, Any]:
    """Parse ``--option KEY=VALUE``, the options of a backend."""
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
