"""From the 0..1 values that a host sends to the natural values that a model reads by name, inside the graph."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter, NumericalNeutoneParameter


class ParameterMap(nn.Module):
    """Names the rows of a 0..1 tensor and maps them: continuous ones to their range, categorical ones to the number of
    the choice (a float). Has no tensors of its own, hence no state.

    Args:
        parameters: continuous and categorical ones, in the order of their rows.
        rows: of the tensor; those beyond the parameters are ignored. By default as many as there are parameters.

    >>> drive = ContinuousNeutoneParameter("drive", "dB", 10.0, 0.0, 40.0)
    >>> values = ParameterMap([drive], rows=4)(torch.full((4, 2), 0.5))
    >>> values["drive"]
    tensor([20., 20.])
    """

    names: list[str]
    defaults: list[float]
    minimums: list[float]
    ranges: list[float]
    are_mapped: list[bool]
    are_categorical: list[bool]

    def __init__(self, parameters: Sequence[NumericalNeutoneParameter], rows: int | None = None) -> None:
        super().__init__()
        self.names = []
        self.defaults = []
        self.minimums = []
        self.ranges = []
        self.are_mapped = []
        self.are_categorical = []
        for parameter in parameters:
            lowest, highest = _bounds(parameter)
            self.names.append(parameter.name)
            self.defaults.append(parameter.default_unit)
            self.minimums.append(lowest)
            self.ranges.append(highest - lowest)
            self.are_mapped.append((lowest, highest) != (0.0, 1.0))
            self.are_categorical.append(isinstance(parameter, CategoricalNeutoneParameter))
        self.defaults.extend([0.0] * ((rows or 0) - len(parameters)))

    def default_units(self) -> Tensor:
        """(rows, 1) float32: the defaults as 0..1; rows without a parameter are 0."""
        return torch.tensor(self.defaults, dtype=torch.float32).reshape(len(self.defaults), 1)

    def forward(self, units: Tensor) -> dict[str, Tensor]:
        """(rows, k) in 0..1 to a (k,) tensor of natural values for each name. A parameter from 0 to 1 is passed on as
        it is, without a copy."""
        values: dict[str, Tensor] = {}
        for row in range(len(self.names)):
            value = units[row]
            if self.are_mapped[row]:
                value = value * self.ranges[row] + self.minimums[row]
            if self.are_categorical[row]:
                value = torch.round(value)
            values[self.names[row]] = value
        return values


def _bounds(parameter: NumericalNeutoneParameter) -> tuple[float, float]:
    if isinstance(parameter, ContinuousNeutoneParameter):
        return parameter.min_value, parameter.max_value
    if isinstance(parameter, CategoricalNeutoneParameter):
        return 0.0, float(parameter.n_values - 1)
    raise TypeError(f"a {type(parameter).__name__} has no numbers to map to")
