"""A model's metadata in a form that TorchScript can read."""

from typing import Any

from torch import nn

from neutone.model.metadata import ModelMetadata
from neutone.model.parameters import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    DiscreteTokensNeutoneParameter,
    NeutoneParameter,
    TextNeutoneParameter,
)


def parameter_metadata(parameter: NeutoneParameter) -> dict[str, int | float | str | bool | list[str] | list[int]]:
    """Return a parameter's entry in ``metadata.json``.

    >>> parameter_metadata(TextNeutoneParameter("prompt", "what to play"))["max_n_chars"]
    -1
    """
    entry: dict[str, int | float | str | bool | list[str] | list[int]] = {
        "name": parameter.name,
        "description": parameter.description,
        "used": parameter.used,
    }
    if isinstance(parameter, ContinuousNeutoneParameter):
        entry["default_value"] = parameter.default_value
        entry["min_value"] = parameter.min_value
        entry["max_value"] = parameter.max_value
        entry["type"] = "continuous"
    elif isinstance(parameter, CategoricalNeutoneParameter):
        entry["default_value"] = parameter.default_value
        entry["n_values"] = parameter.n_values
        entry["labels"] = list(parameter.choices)
        entry["type"] = "categorical"
    elif isinstance(parameter, TextNeutoneParameter):
        entry["default_value"] = parameter.default_value
        entry["max_n_chars"] = parameter.max_n_chars
        entry["type"] = "text"
    elif isinstance(parameter, DiscreteTokensNeutoneParameter):
        entry["default_value"] = list(parameter.default_value)
        entry["max_n_tokens"] = parameter.max_n_tokens
        entry["type"] = "tokens"
    else:
        raise TypeError(f"parameter {parameter.name!r} is a plain {type(parameter).__name__}")
    return entry


class ModelCard(nn.Module):
    """The fields of :class:`~neutone.ModelMetadata` as attributes that scripted code can read.

    This is a module of its own, because TorchScript infers the type of an empty list from the annotations of the
    object's own class: annotations of a base class are lost as soon as a subclass annotates anything.

    >>> ModelCard(ModelMetadata(model_name="amp")).core_metadata()["model_name"]
    'amp'
    """

    model_authors: list[str]
    technical_links: dict[str, str]
    tags: list[str]
    native_sample_rates: list[int]
    native_buffer_sizes: list[int]
    neutone_parameters: dict[str, dict[str, int | float | str | bool | list[str] | list[int]]]

    def __init__(self, metadata: ModelMetadata) -> None:
        super().__init__()
        self.model_name = metadata.model_name
        self.model_authors = list(metadata.model_authors)
        self.model_short_description = metadata.model_short_description
        self.model_long_description = metadata.model_long_description
        self.technical_description = metadata.technical_description
        self.technical_links = dict(metadata.technical_links)
        self.tags = list(metadata.tags)
        self.model_version = metadata.model_version
        self.citation = metadata.citation
        self.is_experimental = metadata.is_experimental
        self.neutone_parameters = {
            key: parameter_metadata(parameter) for key, parameter in metadata.neutone_parameters.items()
        }
        self.wet_default_value = metadata.wet_default_value
        self.dry_default_value = metadata.dry_default_value
        self.input_gain_default_value = metadata.input_gain_default_value
        self.output_gain_default_value = metadata.output_gain_default_value
        self.native_sample_rates = list(metadata.native_sample_rates)
        self.native_buffer_sizes = list(metadata.native_buffer_sizes)
        self.is_input_mono = metadata.is_input_mono
        self.is_output_mono = metadata.is_output_mono
        self.model_type = metadata.model_type
        self.look_behind_samples = metadata.look_behind_samples
        self.sdk_version = metadata.sdk_version
        self.pytorch_version = metadata.pytorch_version
        self.date_created = metadata.date_created

    def core_metadata(self) -> dict[str, Any]:
        """Return the part of ``metadata.json`` that every kind of model has:
        all but its sample rates and block sizes."""
        return {
            "model_name": self.model_name,
            "model_authors": self.model_authors,
            "model_short_description": self.model_short_description,
            "model_long_description": self.model_long_description,
            "technical_description": self.technical_description,
            "technical_links": self.technical_links,
            "tags": self.tags,
            "model_version": self.model_version,
            "citation": self.citation,
            "is_experimental": self.is_experimental,
            "neutone_parameters": self.neutone_parameters,
            "wet_default_value": self.wet_default_value,
            "dry_default_value": self.dry_default_value,
            "input_gain_default_value": self.input_gain_default_value,
            "output_gain_default_value": self.output_gain_default_value,
            "sdk_version": self.sdk_version,
            "pytorch_version": self.pytorch_version,
            "date_created": self.date_created,
        }

    def forward(self) -> dict[str, Any]:
        """Return :meth:`core_metadata`. A module needs a ``forward`` method to be compiled."""
        return self.core_metadata()
