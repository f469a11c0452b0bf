"""Map the 0..1 values that a host sends to the named natural values that a model reads, inside the graph."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter, NumericalNeutoneParameter


class ParameterMap(nn.Module):
    """Split a 0..1 tensor into named rows and map them to natural values: continuous parameters to their range,
    categorical ones to the number of the choice (as a float). The module has no tensors, hence no state.

    Args:
        parameters: The continuous and categorical parameters, in row order.
        rows: The number of rows of the tensor. Rows beyond the parameters are ignored. By default there is one row per
            parameter.

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
        """Return the defaults in 0..1, float32 of shape (rows, 1). Rows without a parameter are 0."""
        return torch.tensor(self.defaults, dtype=torch.float32).reshape(len(self.defaults), 1)

    def forward(self, units: Tensor) -> dict[str, Tensor]:
        """Map a tensor of shape (rows, k) in 0..1 to a dictionary from names to natural values of shape (k,). The
        values of a parameter with the range 0 to 1 are passed on without a copy."""
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
