"""What every wrapped model is: a PyTorch module with a name, parameters and metadata.

This file and its neighbours do without ``from __future__ import annotations``: TorchScript reads the annotations of
attributes as they are.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from inspect import get_annotations, isfunction
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neutone.errors import MetadataError
from neutone.limits import HOST_PARAMETERS
from neutone.model.metadata import ModelMetadata
from neutone.model.parameters import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    DiscreteTokensNeutoneParameter,
    NeutoneParameter,
    NumericalNeutoneParameter,
    TextNeutoneParameter,
)
from neutone.sdk.wrap.card import ModelCard
from neutone.sdk.wrap.parameter_map import ParameterMap


class NeutoneModel(ABC, nn.Module):
    """The base of :class:`~neutone.sdk.WaveformToWaveformBase` and other kinds of models; wrap with one of those.

    What a model says of itself is stated on the class, or by methods, or both: a method wins. ``get_model_name()``,
    ``get_tags()`` and the like answer, where a subclass does not define them, what :attr:`metadata` says.

    Methods that hosts call are compiled with the model; a subclass that overrides one need not decorate it with
    ``torch.jit.export``. Methods that describe the model are called once, by the constructor, and need not be such that
    TorchScript understands them.

    Args:
        model: the network that does the work; None: the wrapper does it all. It is put into eval mode and becomes
            ``self.model``.
        use_debug_mode: check every block in eager mode and say what is wrong with it; off from
            :meth:`prepare_for_inference` on.

    Raises:
        neutone.errors.MetadataError: a limit of the format is broken; the message names the method at fault.
    """

    metadata: ClassVar[ModelMetadata | None] = None
    """what the methods answer that a subclass does not define"""
    neutone_parameters: ClassVar[Sequence[NeutoneParameter]] = ()
    """what :meth:`get_neutone_parameters` answers by default; the parameters may also be part of :attr:`metadata`"""

    max_parameters: ClassVar[int] = HOST_PARAMETERS
    parameter_kinds: ClassVar[tuple[type[NeutoneParameter], ...]] = (
        ContinuousNeutoneParameter,
        CategoricalNeutoneParameter,
        TextNeutoneParameter,
        DiscreteTokensNeutoneParameter,
    )
    host_methods: ClassVar[tuple[str, ...]] = (
        "get_neutone_parameters_metadata",
        "get_numerical_params_default_values_0to1",
        "get_default_param_values",
        "get_wet_default_value",
        "get_dry_default_value",
        "get_input_gain_default_value",
        "get_output_gain_default_value",
        "get_core_preserved_attributes",
        "to_core_metadata",
        "get_preserved_attributes",
        "to_metadata",
        "get_metadata_json",
    )
    """what is compiled and survives freezing"""
    metadata_methods: ClassVar[dict[str, str]] = {
        "model_name": "get_model_name",
        "model_authors": "get_model_authors",
        "model_short_description": "get_model_short_description",
        "model_long_description": "get_model_long_description",
        "technical_description": "get_technical_description",
        "technical_links": "get_technical_links",
        "tags": "get_tags",
        "model_version": "get_model_version",
        "citation": "get_citation",
        "is_experimental": "is_experimental",
        "wet_default_value": "get_wet_default_value",
        "dry_default_value": "get_dry_default_value",
        "input_gain_default_value": "get_input_gain_default_value",
        "output_gain_default_value": "get_output_gain_default_value",
    }
    """which method answers for which key of the metadata"""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in cls.host_methods:
            method = getattr(cls, name, None)
            if isfunction(method) and not hasattr(method, "_torchscript_modifier"):
                torch.jit.export(method)
        # TorchScript does not understand annotations of attributes that ``from __future__ import annotations`` has
        # turned into strings. Where they name what is not there yet, they stay as they are.
        with suppress(Exception):
            cls.__annotations__ = get_annotations(cls, eval_str=True)

    def __init__(self, model: nn.Module | None = None, use_debug_mode: bool = True) -> None:
        super().__init__()
        self.model = nn.Identity() if model is None else model
        self.model.eval()
        self.use_debug_mode = use_debug_mode
        self.MAX_N_PARAMS = self.max_parameters
        self._preserved = ["model", *self.host_methods]

        self._card = ModelCard(self._stated())
        parameters = self._checked_parameters()
        self._card = ModelCard(self._validated(parameters))
        self.n_neutone_parameters = len(parameters)
        numerical = [parameter for parameter in parameters if isinstance(parameter, NumericalNeutoneParameter)]
        self._parameter_map = ParameterMap(numerical, self._parameter_rows(len(numerical)))
        self.metadata_json_str = json.dumps(self.to_metadata(), indent=4, sort_keys=True)

    # -- what the constructor gathers ----------------------------------------------------------------------------------

    def _stated(self) -> ModelMetadata:
        if self.metadata is None:
            return ModelMetadata(model_name="")
        if not isinstance(self.metadata, ModelMetadata):
            raise MetadataError(
                f"{type(self).__name__}.metadata is a {type(self.metadata).__name__}, expected ModelMetadata(...)"
            )
        return self.metadata

    def _checked_parameters(self) -> list[NeutoneParameter]:
        method = f"{type(self).__name__}.get_neutone_parameters()"
        declared: Any = self.get_neutone_parameters()
        if not isinstance(declared, list | tuple):
            raise MetadataError(f"{method} answered a {type(declared).__name__}, expected a list of parameters")
        if len(declared) > self.max_parameters:
            raise MetadataError(f"{method} answered {len(declared)} parameters, at most {self.max_parameters} fit")
        for parameter in declared:
            if not isinstance(parameter, self.parameter_kinds):
                kinds = ", ".join(kind.__name__ for kind in self.parameter_kinds)
                named = f"{parameter.name!r}, a " if isinstance(parameter, NeutoneParameter) else ""
                raise MetadataError(f"{method} answered {named}{type(parameter).__name__}, expected one of {kinds}")
        names = [parameter.name for parameter in declared]
        for name in names:
            if names.count(name) > 1:
                raise MetadataError(f"{method} answered two parameters named {name!r}")
        return list(declared)

    def _validated(self, parameters: Sequence[NeutoneParameter]) -> ModelMetadata:
        """What the methods say, checked against the one schema."""
        stated = self._stated()
        fields: dict[str, Any] = {key: getattr(self, method)() for key, method in self.metadata_methods.items()}
        try:
            return ModelMetadata(
                **fields,
                neutone_parameters={f"p{index + 1}": parameter for index, parameter in enumerate(parameters)},
                sdk_version=version("neutone"),
                pytorch_version=str(torch.__version__),
                date_created=stated.date_created or time.time(),
            )
        except MetadataError as error:
            raise MetadataError(self._name_method(str(error))) from None

    def _name_method(self, message: str) -> str:
        """ "model metadata, tags.2: too long" becomes "Amp.get_tags(), item 2: too long"."""
        place, _, complaint = message.removeprefix("model metadata, ").partition(": ")
        key, _, item = place.partition(".")
        if key not in self.metadata_methods:
            return f"{type(self).__name__}, {message}"
        return f"{type(self).__name__}.{self.metadata_methods[key]}(){f', item {item}' if item else ''}: {complaint}"

    def _parameter_rows(self, numerical: int) -> int:
        """How many rows of 0..1 values the model is sent, for a number of continuous and categorical parameters."""
        return numerical

    # -- what a subclass says of itself --------------------------------------------------------------------------------

    def get_model_name(self) -> str:
        """At most 30 characters."""
        if self.metadata is None:
            name = type(self).__name__
            raise MetadataError(
                f"{name} has no name: define get_model_name(), or state metadata = ModelMetadata(...) on the class"
            )
        return self._stated().model_name

    def get_model_authors(self) -> list[str]:
        """At most 5."""
        return self._stated().model_authors

    def get_model_short_description(self) -> str:
        """What it does, for musicians: at most 150 characters."""
        return self._stated().model_short_description

    def get_model_long_description(self) -> str:
        """How to use it, for musicians: at most 500 characters."""
        return self._stated().model_long_description

    def get_technical_description(self) -> str:
        """Architecture, training, data, for researchers: at most 500 characters."""
        return self._stated().technical_description

    def get_technical_links(self) -> dict[str, str]:
        """Name to address: at most 3."""
        return self._stated().technical_links

    def get_tags(self) -> list[str]:
        """At most 7 of at most 15 characters."""
        return self._stated().tags

    def get_model_version(self) -> str:
        """Such as "1.0.0"."""
        return self._stated().model_version

    def get_citation(self) -> str:
        """Of the paper behind it: at most 300 characters."""
        return self._stated().citation

    def is_experimental(self) -> bool:
        """Whether hosts should mark it as such."""
        return self._stated().is_experimental

    def get_neutone_parameters(self) -> Sequence[NeutoneParameter]:
        """The parameters in the order of their rows, those of :attr:`neutone_parameters` or of :attr:`metadata`."""
        in_metadata: list[NeutoneParameter] = [parameter for _, parameter in self._stated().all_parameters]
        if self.neutone_parameters and in_metadata:
            raise MetadataError(
                f"{type(self).__name__} lists parameters twice, in neutone_parameters and in metadata: choose one"
            )
        return list(self.neutone_parameters) or in_metadata

    @torch.jit.export
    def get_wet_default_value(self) -> float:
        """How much of the model's output is heard: 0..1."""
        return self._card.wet_default_value

    @torch.jit.export
    def get_dry_default_value(self) -> float:
        """How much of the input is heard: 0..1."""
        return self._card.dry_default_value

    @torch.jit.export
    def get_input_gain_default_value(self) -> float:
        """0..1 for -30..+30 dB."""
        return self._card.input_gain_default_value

    @torch.jit.export
    def get_output_gain_default_value(self) -> float:
        """0..1 for -30..+30 dB."""
        return self._card.output_gain_default_value

    # -- what hosts and wrappers ask -----------------------------------------------------------------------------------

    def prepare_for_inference(self) -> None:
        """Leave training and debug mode, before the model is scripted or exported."""
        self.use_debug_mode = False
        self.model.eval()
        self.eval()

    @torch.jit.export
    def get_neutone_parameters_metadata(
        self,
    ) -> dict[str, dict[str, int | float | str | bool | list[str] | list[int]]]:
        """The entries of ``metadata.json`` for ``p1``, ``p2``, ..."""
        return self._card.neutone_parameters

    @torch.jit.export
    def get_numerical_params_default_values_0to1(self) -> Tensor:
        """(rows, 1) float32: the defaults as 0..1."""
        return self._parameter_map.default_units()

    @torch.jit.export
    def get_default_param_values(self) -> Tensor:
        """The same under the name that hosts use."""
        return self._parameter_map.default_units()

    @torch.jit.export
    def get_core_preserved_attributes(self) -> list[str]:
        """What must survive freezing."""
        return list(self._preserved)

    @torch.jit.export
    def get_preserved_attributes(self) -> list[str]:
        """What must survive freezing."""
        return self.get_core_preserved_attributes()

    @torch.jit.export
    def to_core_metadata(self) -> dict[str, Any]:
        """The keys of ``metadata.json`` that every kind of model has."""
        return self._card.core_metadata()

    @abstractmethod
    def to_metadata(self) -> dict[str, Any]:
        """All keys of ``metadata.json`` but the sample sounds. Called by the constructor."""

    @torch.jit.export
    def get_metadata_json(self) -> str:
        """The same as JSON."""
        return self.metadata_json_str
