"""The parameters that a model declares, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from neutone.errors import UnknownParameterError

if TYPE_CHECKING:
    from neutone.model.parameters import NumericalNeutoneParameter


class DeclaredParameters(Mapping[str, "NumericalNeutoneParameter"]):
    """A model's parameters: a mapping from names to declarations, in the order of the rows of ``params`` arrays.

    A declaration has the range, the default and the description. Printing the mapping lists them. An unknown name
    raises :class:`~neutone.errors.UnknownParameterError` (a :class:`KeyError`).

    >>> from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter
    >>> drive = ContinuousNeutoneParameter("drive", "gain in dB", 6.0, 0.0, 40.0)
    >>> parameters = DeclaredParameters([drive, CategoricalNeutoneParameter("mode", n_values=2, labels=["a", "b"])])
    >>> parameters
    drive: 0..40, default 6 (gain in dB)
    mode: a, b, default a
    >>> list(parameters), parameters["drive"].max_value
    (['drive', 'mode'], 40.0)
    """

    def __init__(self, declared: Sequence[NumericalNeutoneParameter]) -> None:
        self._by_name = {parameter.name: parameter for parameter in declared}
        self._rows = {name: row for row, name in enumerate(self._by_name)}

    def __getitem__(self, name: str) -> NumericalNeutoneParameter:
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            known = ", ".join(self._by_name) or "none"
            raise UnknownParameterError(f"no parameter {name!r}; the model declares: {known}") from None

    def row(self, name: str) -> int:
        """Return the row of a parameter in ``params`` arrays. The name must be a declared one."""
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        lines = []
        for name, parameter in self.items():
            about = f" ({parameter.description})" if parameter.description else ""
            lines.append(f"{name}: {parameter.range_text}, default {_shown(parameter)}{about}")
        return "\n".join(lines) or "no parameters"


def _shown(parameter: NumericalNeutoneParameter) -> str:
    value = parameter.from_unit(parameter.default_unit)
    return value if isinstance(value, str) else f"{value:g}"
