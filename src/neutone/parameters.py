"""The classes that describe a model's parameters. They need no PyTorch; :mod:`neutone.sdk` has the same ones.

A backend lists them in :class:`~neutone.ModelMetadata`. Users of its models see their names, ranges and units, and a
session gets every numerical parameter as values in 0..1.

>>> from neutone import ModelMetadata
>>> from neutone.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter
>>> drive = ContinuousNeutoneParameter("drive", "gain", default_value=4.0, min_value=1.0, max_value=10.0)
>>> shape = CategoricalNeutoneParameter("shape", "the curve", n_values=3, labels=["soft", "hard", "fold"])
>>> metadata = ModelMetadata(model_name="amp", neutone_parameters={"p1": drive, "p2": shape})
>>> drive.to_unit(5.5), shape.to_unit("hard")
(0.5, 0.5)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neutone.model.parameters import (
        CategoricalNeutoneParameter,
        ContinuousNeutoneParameter,
        DiscreteTokensNeutoneParameter,
        NeutoneParameter,
        NumericalNeutoneParameter,
        TextNeutoneParameter,
    )

__all__ = [
    "CategoricalNeutoneParameter",
    "ContinuousNeutoneParameter",
    "DiscreteTokensNeutoneParameter",
    "NeutoneParameter",
    "NumericalNeutoneParameter",
    "TextNeutoneParameter",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:  # so that nothing is imported before it is needed, as in the package itself
    if name not in __all__:
        raise AttributeError(f"module 'neutone.parameters' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module("neutone.model.parameters"), name)
    return found
