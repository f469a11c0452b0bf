"""The base class of all wrapped models: a PyTorch module with a name, parameters and metadata.

This file and its neighbours do not use ``from __future__ import annotations``, because TorchScript needs the
annotations of attributes as objects, not as strings.
"""

import json
import time
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from inspect import get_annotations, isfunction
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neutone.errors import MetadataError
from neutone.limits import HOST_PARAMETERS, MAX_PARAMETERS
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


class DescribedWhenComplete(ABCMeta):
    """The metaclass of wrapped models: it gathers a model's description once its constructor has returned, because the
    methods that describe it may read attributes that the author sets after ``super().__init__()``."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        model = super().__call__(*arguments, **options)
        model._describe()
        return model


class NeutoneModel(ABC, nn.Module, metaclass=DescribedWhenComplete):
    """The base class of :class:`~neutone.sdk.WaveformToWaveformBase` and of other kinds of models. Subclass one of
    those instead.

    A model is described by :attr:`metadata` on the class, by methods such as ``get_model_name()`` and ``get_tags()``,
    or by both. If both describe the same thing, the method wins: the methods that a subclass does not define return
    what :attr:`metadata` says.

    Methods that hosts call are compiled with the model; a subclass that overrides one need not decorate it with
    ``torch.jit.export``. Methods that describe the model are called once, when the constructor of the subclass has
    returned or when the description is first needed, and may use Python that TorchScript cannot compile.

    Args:
        model: The network that does the work, or None if the wrapper needs none. It is put into eval mode and becomes
            ``self.model``.
        use_debug_mode: Check every block in eager mode, and raise an error that says what is wrong with it.
            :meth:`prepare_for_inference` turns the checks off.

    Attributes:
        metadata: What the describing methods return if a subclass does not define them.
        neutone_parameters: What :meth:`get_neutone_parameters` returns by default. Parameters can be part of
            :attr:`metadata` instead.
        max_parameters: The rows of the model's parameter tensor: one for each parameter, and at least the four that
            hosts of ``.nm`` files always send. A model with more can be exported to ONNX, but not to ``.nm``.
        parameter_kinds: The classes of parameters that a model may have.
        host_methods: The names of the methods that are compiled and survive freezing.
        metadata_methods: A mapping from metadata keys to the methods that return their values.
        described: The names of the attributes that are made from the description.

    Raises:
        neutone.errors.MetadataError: A value exceeds a limit of the format. The message names the method that returned
            it.
    """

    metadata: ClassVar[ModelMetadata | None] = None
    neutone_parameters: ClassVar[Sequence[NeutoneParameter]] = ()

    described: ClassVar[tuple[str, ...]] = (
        "_card",
        "_parameter_map",
        "n_neutone_parameters",
        "metadata_json_str",
        "MAX_N_PARAMS",
    )
    max_parameters: int = HOST_PARAMETERS
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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in cls.host_methods:
            method = getattr(cls, name, None)
            if isfunction(method) and not hasattr(method, "_torchscript_modifier"):
                torch.jit.export(method)
        # TorchScript does not understand annotations of attributes that ``from __future__ import annotations`` has
        # turned into strings, so resolve them. Those that name something not yet defined stay as they are.
        with suppress(Exception):
            cls.__annotations__ = get_annotations(cls, eval_str=True)

    def __init__(self, model: nn.Module | None = None, use_debug_mode: bool = True) -> None:
        super().__init__()
        self.model = nn.Identity() if model is None else model
        self.model.eval()
        self.use_debug_mode = use_debug_mode
        self._preserved = ["model", *self.host_methods]
        self._is_described = False

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name not in self.described or self.__dict__.get("_is_described", True):
                raise
        self._describe()  # a constructor that reads its own description needs it before it returns
        return getattr(self, name)

    def _describe(self) -> None:
        """Make the attributes in :attr:`described` from what the describing methods return, unless they are made."""
        if not self._is_described:
            self._is_described = True
            try:
                self._gather()
            except BaseException:
                self._is_described = False
                raise

    def _gather(self) -> None:
        self._card = ModelCard(self._stated())
        parameters = self._checked_parameters()
        self.max_parameters = self.MAX_N_PARAMS = max(HOST_PARAMETERS, len(parameters))
        self._card = ModelCard(self._validated(parameters))
        self.n_neutone_parameters = len(parameters)
        numerical = [parameter for parameter in parameters if isinstance(parameter, NumericalNeutoneParameter)]
        self._parameter_map = ParameterMap(numerical, self._parameter_rows(len(numerical)))
        self.metadata_json_str = json.dumps(self.to_metadata(), indent=4, sort_keys=True)

    # -- how the description is collected ------------------------------------------------------------------------------

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
            raise MetadataError(f"{method} returned a {type(declared).__name__}, expected a list of parameters")
        if len(declared) > MAX_PARAMETERS:
            raise MetadataError(f"{method} returned {len(declared)} parameters, at most {MAX_PARAMETERS} fit")
        for parameter in declared:
            if not isinstance(parameter, self.parameter_kinds):
                kinds = ", ".join(kind.__name__ for kind in self.parameter_kinds)
                named = f"{parameter.name!r}, a " if isinstance(parameter, NeutoneParameter) else ""
                raise MetadataError(f"{method} returned {named}{type(parameter).__name__}, expected one of {kinds}")
        names = [parameter.name for parameter in declared]
        for name in names:
            if names.count(name) > 1:
                raise MetadataError(f"{method} returned two parameters named {name!r}")
        return list(declared)

    def _validated(self, parameters: Sequence[NeutoneParameter]) -> ModelMetadata:
        """Collect what the methods return, and validate it against the metadata schema."""
        stated = self._stated()
        try:
            return ModelMetadata(
                **self._described_fields(),
                neutone_parameters={f"p{index + 1}": parameter for index, parameter in enumerate(parameters)},
                sdk_version=version("neutone"),
                pytorch_version=str(torch.__version__),
                date_created=stated.date_created or time.time(),
            )
        except MetadataError as error:
            raise MetadataError(self._name_method(str(error))) from None

    def _described_fields(self) -> dict[str, Any]:
        """Return what the describing methods return, by metadata key."""
        return {key: getattr(self, method)() for key, method in self.metadata_methods.items()}

    def _name_method(self, message: str) -> str:
        """Turn "model metadata, tags.2: too long" into "Amp.get_tags(), item 2: too long"."""
        place, _, complaint = message.removeprefix("model metadata, ").partition(": ")
        key, _, item = place.partition(".")
        if key not in self.metadata_methods:
            return f"{type(self).__name__}, {message}"
        return f"{type(self).__name__}.{self.metadata_methods[key]}(){f', item {item}' if item else ''}: {complaint}"

    def _parameter_rows(self, numerical: int) -> int:
        """Return the number of parameter rows that the model receives, given its number of numerical parameters."""
        return numerical

    # -- the description, which a subclass may override ----------------------------------------------------------------

    def get_model_name(self) -> str:
        """Return the model's name, at most 30 characters."""
        if self.metadata is None:
            name = type(self).__name__
            raise MetadataError(
                f"{name} has no name: define get_model_name(), or set metadata = ModelMetadata(...) on the class"
            )
        return self._stated().model_name

    def get_model_authors(self) -> list[str]:
        """Return the authors' names, at most 5."""
        return self._stated().model_authors

    def get_model_short_description(self) -> str:
        """Return what the model does, for musicians, in at most 150 characters."""
        return self._stated().model_short_description

    def get_model_long_description(self) -> str:
        """Return how to use the model, for musicians, in at most 500 characters."""
        return self._stated().model_long_description

    def get_technical_description(self) -> str:
        """Return the architecture, training and data, for researchers, in at most 500 characters."""
        return self._stated().technical_description

    def get_technical_links(self) -> dict[str, str]:
        """Return a mapping from names of links to their addresses, at most 3."""
        return self._stated().technical_links

    def get_tags(self) -> list[str]:
        """Return at most 7 tags of at most 15 characters each."""
        return self._stated().tags

    def get_model_version(self) -> str:
        """Return the version of the model, such as "1.0.0"."""
        return self._stated().model_version

    def get_citation(self) -> str:
        """Return the citation of the paper behind the model, in at most 300 characters."""
        return self._stated().citation

    def is_experimental(self) -> bool:
        """Return whether hosts should mark the model as experimental."""
        return self._stated().is_experimental

    def get_neutone_parameters(self) -> Sequence[NeutoneParameter]:
        """Return the parameters in row order. By default those in :attr:`neutone_parameters` or in :attr:`metadata`."""
        in_metadata: list[NeutoneParameter] = [parameter for _, parameter in self._stated().all_parameters]
        if self.neutone_parameters and in_metadata:
            raise MetadataError(
                f"{type(self).__name__} lists parameters twice, in neutone_parameters and in metadata: choose one"
            )
        return list(self.neutone_parameters) or in_metadata

    @torch.jit.export
    def get_wet_default_value(self) -> float:
        """Return the default level of the model's output in the mix, 0..1."""
        return self._card.wet_default_value

    @torch.jit.export
    def get_dry_default_value(self) -> float:
        """Return the default level of the input in the mix, 0..1."""
        return self._card.dry_default_value

    @torch.jit.export
    def get_input_gain_default_value(self) -> float:
        """Return the default gain before the model, as 0..1 for -30..+30 dB."""
        return self._card.input_gain_default_value

    @torch.jit.export
    def get_output_gain_default_value(self) -> float:
        """Return the default gain after the mix, as 0..1 for -30..+30 dB."""
        return self._card.output_gain_default_value

    # -- for hosts and wrappers ----------------------------------------------------------------------------------------

    def prepare_for_inference(self) -> None:
        """Leave training mode and debug mode. Call this before the model is scripted or exported."""
        self.use_debug_mode = False
        self.model.eval()
        self.eval()

    @torch.jit.export
    def get_neutone_parameters_metadata(
        self,
    ) -> dict[str, dict[str, int | float | str | bool | list[str] | list[int]]]:
        """Return the entries of ``metadata.json`` for the parameters, by their keys ``p1``, ``p2``, ..."""
        return self._card.neutone_parameters

    @torch.jit.export
    def get_numerical_params_default_values_0to1(self) -> Tensor:
        """Return the parameters' defaults in 0..1, float32 of shape (rows, 1)."""
        return self._parameter_map.default_units()

    @torch.jit.export
    def get_default_param_values(self) -> Tensor:
        """Return the parameters' defaults in 0..1, float32 of shape (rows, 1). Hosts call it by this name."""
        return self._parameter_map.default_units()

    @torch.jit.export
    def get_core_preserved_attributes(self) -> list[str]:
        """Return the names of the attributes that must survive freezing."""
        return list(self._preserved)

    @torch.jit.export
    def get_preserved_attributes(self) -> list[str]:
        """Return the names of the attributes that must survive freezing."""
        return self.get_core_preserved_attributes()

    @torch.jit.export
    def to_core_metadata(self) -> dict[str, Any]:
        """Return the part of ``metadata.json`` that every kind of model has."""
        return self._card.core_metadata()

    @abstractmethod
    def to_metadata(self) -> dict[str, Any]:
        """Return the contents of ``metadata.json`` without the sample sounds."""

    @torch.jit.export
    def get_metadata_json(self) -> str:
        """Return the contents of ``metadata.json`` without the sample sounds, as JSON text."""
        return self.metadata_json_str
