"""Control parameters: how a model declares them, and how natural values map to the 0..1 values that it receives.

>>> drive = ContinuousNeutoneParameter("drive", "gain into the clipper, dB", default_value=12.0, max_value=40.0)
>>> drive.to_unit(10.0), drive.from_unit(0.5)
(0.25, 20.0)
>>> mode = CategoricalNeutoneParameter("mode", "which amp", n_values=3, labels=["clean", "crunch", "lead"])
>>> mode.to_unit("lead"), mode.from_unit(0.5)
(1.0, 'crunch')
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neutone.errors import MetadataError, ParameterError, is_array, shown

MAX_NAME_LENGTH = 200
MAX_TEXT_LENGTH = 10_000
MAX_TOKENS = 65_536
MAX_LABEL_LENGTH = 20
MIN_CATEGORIES, MAX_CATEGORIES = 2, 20

ParameterValue = float | str
"""A natural value: a number in the parameter's range, or a label of a categorical one."""


def describe_validation_error(error: ValidationError) -> str:
    """Return the first error that pydantic reports as one line: the field, what is expected, and what was given."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part)[:MAX_NAME_LENGTH] for part in first["loc"]) or "value"
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    if isinstance(given, dict | list) or first["type"] == "missing":
        return f"{place}: {message}"
    return f"{place}: {message} (given: {shown(given)})"


class NeutoneParameter(BaseModel):
    """The base class of all parameters: a name, a description, and whether the host shows it.

    Attributes:
        name: The name, by which engines and hosts set the parameter.
        description: What the parameter does, for users.
        used: Whether the parameter is in use. Hosts do not show unused ones, and leave their rows at 0.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    positional: ClassVar[tuple[str, ...]] = ("name", "description")

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    description: str = Field(default="", max_length=MAX_TEXT_LENGTH)
    used: bool = True

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls.__signature__ = _signature(cls)

    def __init__(self, /, *args: Any, **fields: Any) -> None:
        if len(args) > len(self.positional):
            raise TypeError(f"{type(self).__name__} takes at most {len(self.positional)} positional arguments")
        unknown = sorted(set(fields) - set(type(self).model_fields)) if args else []
        if unknown:  # files pass keywords only, and may hold keys that later versions added
            raise TypeError(
                f"{type(self).__name__} has no argument {unknown[0]!r}; it takes {', '.join(self.positional)}"
            )
        for name, value in zip(self.positional, args, strict=False):
            if name in fields:
                raise TypeError(f"{type(self).__name__} got two values for {name!r}")
            fields[name] = value
        try:
            super().__init__(**fields)
        except ValidationError as error:
            label = f"parameter {shown(fields.get('name'))}"
            raise MetadataError(f"{label}: {describe_validation_error(error)}") from None


def _signature(parameter: type[NeutoneParameter]) -> Signature:
    """Return what ``help()`` shows: the arguments in the order in which they may be positional."""
    fields, shown_fields = parameter.model_fields, list(dict.fromkeys([*parameter.positional, "used"]))
    required = max(index for index, name in enumerate(shown_fields) if fields[name].is_required())
    return Signature(
        [
            Parameter(
                name,
                Parameter.POSITIONAL_OR_KEYWORD,
                default=Parameter.empty if index <= required else fields[name].get_default(call_default_factory=True),
                annotation=fields[name].annotation,
            )
            for index, name in enumerate(shown_fields)
        ]
    )


NeutoneParameter.__signature__ = _signature(NeutoneParameter)


class NumericalNeutoneParameter(NeutoneParameter, ABC):
    """The base class of parameters that reach the model as one value in 0..1 per sample."""

    @abstractmethod
    def to_unit(self, value: ParameterValue) -> float:
        """Convert a natural value to 0..1. Raises :class:`~neutone.errors.ParameterError` if the value is not valid."""

    @abstractmethod
    def from_unit(self, unit: float) -> ParameterValue:
        """Convert a value in 0..1 to the natural value."""

    @property
    @abstractmethod
    def default_unit(self) -> float:
        """The default value, converted to 0..1."""

    @property
    @abstractmethod
    def range_text(self) -> str:
        """The natural values that are valid, for people to read."""

    def to_units(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Convert an array of natural values to 0..1. Raises :class:`~neutone.errors.ParameterError` if one of the
        values is not valid."""
        different, places = np.unique(values, return_inverse=True)
        return np.array([self.to_unit(value) for value in different.tolist()], np.float64)[places]


class ContinuousNeutoneParameter(NumericalNeutoneParameter):
    """A number from ``min_value`` to ``max_value``. Its range maps linearly to 0..1.

    Attributes:
        name, description, used: As in :class:`NeutoneParameter`.
        default_value: The default, in the parameter's own unit.
        min_value: The low end of the range.
        max_value: The high end of the range.
    """

    positional = ("name", "description", "default_value", "min_value", "max_value", "used")

    if TYPE_CHECKING:  # pydantic tells type checkers about keywords only; positional arguments are allowed too

        def __init__(self, *args: Any, **fields: Any) -> None: ...

    type: Literal["continuous"] = "continuous"
    default_value: float
    min_value: float = 0.0
    max_value: float = 1.0

    @model_validator(mode="after")
    def _check_range(self) -> ContinuousNeutoneParameter:
        if not (math.isfinite(self.min_value) and math.isfinite(self.max_value)):
            raise ValueError(f"min_value and max_value must be finite, not {self.min_value} and {self.max_value}")
        if not math.isfinite(self.max_value - self.min_value):
            raise ValueError(f"the range from {self.min_value} to {self.max_value} is too wide")
        if self.min_value >= self.max_value:
            raise ValueError(f"min_value {self.min_value} must be less than max_value {self.max_value}")
        if not self.min_value <= self.default_value <= self.max_value:
            raise ValueError(f"default_value {self.default_value} is outside {self.min_value}..{self.max_value}")
        return self

    def to_unit(self, value: ParameterValue) -> float:
        try:
            # An array, even of one value, is more likely a curve in the wrong place than a number.
            number = math.nan if isinstance(value, bool | str) or is_array(value) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not self.min_value <= number <= self.max_value:  # NaN too
            raise ParameterError(
                f"parameter {self.name!r} is {shown(value)}, expected a number from {self.min_value:g} to "
                f"{self.max_value:g}"
            )
        return (number - self.min_value) / (self.max_value - self.min_value)

    def to_units(self, values: NDArray[Any]) -> NDArray[np.float64]:
        numbers = values.astype(np.float64) if values.dtype.kind in "fiu" else np.full(values.shape, math.nan)
        wrong = ~((numbers >= self.min_value) & (numbers <= self.max_value))  # NaN too
        if wrong.any():
            self.to_unit(values[wrong].tolist()[0])
        return (numbers - self.min_value) / (self.max_value - self.min_value)

    @property
    def range_text(self) -> str:
        return f"{self.min_value:g}..{self.max_value:g}"

    def from_unit(self, unit: float) -> float:
        return self.min_value + unit * (self.max_value - self.min_value)

    @property
    def default_unit(self) -> float:
        return self.to_unit(self.default_value)


class CategoricalNeutoneParameter(NumericalNeutoneParameter):
    """One of ``n_values`` choices, set by label or by number.

    A wrapper's ``do_forward_pass`` gets the number k of the choice, from 0. Where parameters are values in 0..1, as in
    ``Session.params`` and curves, choice k is k / (n_values - 1).

    Attributes:
        name, description, used: As in :class:`NeutoneParameter`.
        n_values: The number of choices, 2 to 20.
        default_value: The number of the default choice, counted from 0.
        labels: The labels of the choices, each shorter than 20 characters; None for numbers.
    """

    positional = ("name", "description", "n_values", "default_value", "labels", "used")

    if TYPE_CHECKING:  # pydantic tells type checkers about keywords only; positional arguments are allowed too

        def __init__(self, *args: Any, **fields: Any) -> None: ...

    type: Literal["categorical"] = "categorical"
    n_values: int = Field(ge=MIN_CATEGORIES, le=MAX_CATEGORIES)
    default_value: int = 0
    labels: list[str] | None = None

    @model_validator(mode="after")
    def _check_labels(self) -> CategoricalNeutoneParameter:
        if not 0 <= self.default_value < self.n_values:
            raise ValueError(f"default_value {self.default_value} is outside 0..{self.n_values - 1}")
        if self.labels is not None:
            if len(self.labels) != self.n_values:
                raise ValueError(f"{len(self.labels)} labels for {self.n_values} values")
            for label in self.labels:
                if len(label) >= MAX_LABEL_LENGTH:
                    raise ValueError(f"label {shown(label)} must be shorter than {MAX_LABEL_LENGTH} characters")
            if len(set(self.labels)) != len(self.labels):
                raise ValueError(f"labels must differ from each other, not {shown(self.labels)}")
        return self

    @property
    def choices(self) -> list[str]:
        """The labels of the choices, or the numbers from 0 if there are no labels."""
        return self.labels if self.labels is not None else [str(index) for index in range(self.n_values)]

    def to_unit(self, value: ParameterValue) -> float:
        if isinstance(value, str) and value in self.choices:
            index = self.choices.index(value)
        elif not isinstance(value, bool | str) and not is_array(value) and value in range(self.n_values):
            index = int(value)
        else:
            raise ParameterError(
                f"parameter {self.name!r} is {shown(value)}, expected one of {self.choices} or an integer from 0 to "
                f"{self.n_values - 1}"
            )
        return index / (self.n_values - 1)

    @property
    def range_text(self) -> str:
        return ", ".join(self.choices)

    def from_unit(self, unit: float) -> str:
        return self.choices[round(unit * (self.n_values - 1))]

    @property
    def default_unit(self) -> float:
        return self.default_value / (self.n_values - 1)


class TextNeutoneParameter(NeutoneParameter):
    """A text, for models that do not run in real time.

    Attributes:
        name, description, used: As in :class:`NeutoneParameter`.
        max_n_chars: The most characters; -1 for no limit.
        default_value: The default text.
    """

    positional = ("name", "description", "max_n_chars", "default_value", "used")

    if TYPE_CHECKING:  # pydantic tells type checkers about keywords only; positional arguments are allowed too

        def __init__(self, *args: Any, **fields: Any) -> None: ...

    type: Literal["text"] = "text"
    max_n_chars: int = Field(default=-1, ge=-1)
    default_value: str = Field(default="", max_length=MAX_TEXT_LENGTH)

    @model_validator(mode="after")
    def _check_length(self) -> TextNeutoneParameter:
        if 0 <= self.max_n_chars < len(self.default_value):
            raise ValueError(f"default_value has {len(self.default_value)} characters, more than {self.max_n_chars}")
        return self


class DiscreteTokensNeutoneParameter(NeutoneParameter):
    """A list of token numbers, for models that do not run in real time.

    Attributes:
        name, description, used: As in :class:`NeutoneParameter`.
        max_n_tokens: The most tokens; -1 for no limit.
        default_value: The default tokens.
    """

    positional = ("name", "description", "max_n_tokens", "default_value", "used")

    if TYPE_CHECKING:  # pydantic tells type checkers about keywords only; positional arguments are allowed too

        def __init__(self, *args: Any, **fields: Any) -> None: ...

    type: Literal["tokens"] = "tokens"
    max_n_tokens: int = Field(default=-1, ge=-1)
    default_value: list[int] = Field(default_factory=list, max_length=MAX_TOKENS)

    @model_validator(mode="after")
    def _check_length(self) -> DiscreteTokensNeutoneParameter:
        if 0 <= self.max_n_tokens < len(self.default_value):
            raise ValueError(f"default_value has {len(self.default_value)} tokens, more than {self.max_n_tokens}")
        return self


AnyParameter = Annotated[
    ContinuousNeutoneParameter | CategoricalNeutoneParameter | TextNeutoneParameter | DiscreteTokensNeutoneParameter,
    Field(discriminator="type"),
]
