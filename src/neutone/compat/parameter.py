"""Parameters with the members that those of neutone_sdk have."""

from typing import Any

from torch import Tensor

from neutone import sdk
from neutone.errors import MetadataError, shown
from neutone.sdk import NeutoneParameterType
from neutone.sdk.wrap.card import parameter_metadata

__all__ = [
    "CategoricalNeutoneParameter",
    "ContinuousNeutoneParameter",
    "DiscreteTokensNeutoneParameter",
    "KnobNeutoneParameter",
    "NeutoneParameter",
    "NeutoneParameterType",
    "TextNeutoneParameter",
]

CONTINUOUS_TYPES = ("continuous", "knob")


class NeutoneParameter(sdk.NeutoneParameter):
    """The base class of parameters. Before neutone_sdk 1.5 it was the only one, so calling it makes a
    :class:`ContinuousNeutoneParameter` from 0 to 1.

    >>> NeutoneParameter("drive", "gain", default_value=0.5).default_value_0to1
    0.5
    """

    def __new__(cls, *arguments: Any, **fields: Any) -> Any:
        return super().__new__(ContinuousNeutoneParameter if cls is NeutoneParameter else cls)

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        super().__init__(*arguments, **fields)

    def to_metadata(self) -> dict[str, int | float | str | bool | list[str] | list[int]]:
        """Return the parameter's entry in ``metadata.json``."""
        return parameter_metadata(self)


class ContinuousNeutoneParameter(NeutoneParameter, sdk.ContinuousNeutoneParameter):
    """A number from ``min_value`` to ``max_value``.

    >>> drive = ContinuousNeutoneParameter("drive", "gain", 4.0, min_value=1.0, max_value=9.0)
    >>> drive.range, drive.default_value_0to1, drive.to_metadata()["max_value"]
    (8.0, 0.375, 9.0)
    """

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        if len(arguments) > 3 and isinstance(arguments[3], bool):  # before 1.5: name, description, default, used, type
            fields |= dict(zip(("used", "param_type"), arguments[3:], strict=False))
            arguments = arguments[:3]
        kind = fields.pop("param_type", fields.pop("type", "continuous"))
        if kind not in CONTINUOUS_TYPES:
            raise MetadataError(
                f"parameter {shown(arguments[:1])} has the type {shown(kind)}: use the class of that type"
            )
        super().__init__(*arguments, **fields)

    @property
    def range(self) -> float:
        """The difference between the ends of the range."""
        return self.max_value - self.min_value

    @property
    def default_value_0to1(self) -> float:
        """The default, converted to 0..1."""
        return self.default_unit

    def from_0to1(self, param_val: Tensor) -> Tensor:
        """Convert values in 0..1 to natural values."""
        return param_val * self.range + self.min_value


class CategoricalNeutoneParameter(NeutoneParameter, sdk.CategoricalNeutoneParameter):
    """One of ``n_values`` choices."""

    @property
    def default_value_0to1(self) -> float:
        """The default, converted to 0..1."""
        return self.default_unit

    def from_0to1(self, param_val: Tensor) -> Tensor:
        """Convert values in 0..1 to the numbers of choices, as floats."""
        return (param_val * (self.n_values - 1)).round()


class TextNeutoneParameter(NeutoneParameter, sdk.TextNeutoneParameter):
    """A text, for models that do not run in real time."""


class DiscreteTokensNeutoneParameter(NeutoneParameter, sdk.DiscreteTokensNeutoneParameter):
    """A list of token numbers, for models that do not run in real time."""


KnobNeutoneParameter = ContinuousNeutoneParameter
"""The name of continuous parameters in neutone_sdk 1.4."""
