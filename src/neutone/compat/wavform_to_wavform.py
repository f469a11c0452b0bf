"""The base class of real-time models, with the attributes that wrappers written for neutone_sdk read."""

import warnings
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neutone import sdk
from neutone.errors import WrapperWarning, shown
from neutone.model.metadata import MAX_TAG_LENGTH
from neutone.sdk.wrap.checks import InputGuard


class WaveformToWaveformBase(sdk.WaveformToWaveformBase):
    """:class:`neutone.sdk.WaveformToWaveformBase` with attributes of neutone_sdk's. Tags that are too long are cut.

    Attributes:
        neutone_parameter_names: The names of the parameters, in row order.
        neutone_parameters_metadata: The entries of the parameters in ``metadata.json``, by ``p1``, ``p2``, ...
        numerical_params_default_values_0to1: A buffer with the defaults in 0..1, of shape (4, 1).
        agg_params: What ``aggregate_params`` returned for the latest block. Python in debug mode only.
        remapped_params: What ``do_forward_pass`` was given for the latest block. Python in debug mode only.
    """

    __jit_ignored_attributes__: ClassVar[list[str]] = ["agg_params", "remapped_params"]

    def __init__(self, model: nn.Module | None = None, use_debug_mode: bool = True) -> None:
        super().__init__(model, use_debug_mode)
        self.agg_params = torch.zeros(self.max_parameters, 1)
        self.remapped_params = dict[str, Tensor]()

    def _described_fields(self) -> dict[str, Any]:
        fields = super()._described_fields()
        tags = fields["tags"]
        if isinstance(tags, list) and (
            long := [tag for tag in tags if isinstance(tag, str) and len(tag) > MAX_TAG_LENGTH]
        ):
            warnings.warn(f"tags are cut to {MAX_TAG_LENGTH} characters: {shown(long)}", WrapperWarning, stacklevel=2)
            fields["tags"] = [tag[:MAX_TAG_LENGTH] if isinstance(tag, str) else tag for tag in tags]
        return fields

    def _gather(self) -> None:
        super()._gather()
        self.neutone_parameters_metadata = self._card.neutone_parameters
        self.neutone_parameter_names = [entry["name"] for entry in self._card.neutone_parameters.values()]
        self.register_buffer("numerical_params_default_values_0to1", self._parameter_map.default_units())

    def _check_units(self, units: Tensor) -> None:
        super()._check_units(units)
        if self.use_debug_mode:
            self.agg_params = units

    def _guarded(self, x: Tensor, params: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor], InputGuard | None]:
        audio, values, guard = super()._guarded(x, params)
        if self.use_debug_mode:
            self.remapped_params = values
        return audio, values, guard
