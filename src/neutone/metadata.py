"""What a model says of itself: one schema for ``.nm`` and ``.onnx`` files.

The keys are those of ``metadata.json`` in a ``.nm`` file; in an ONNX file the same JSON stands under the key
``neutone`` of ``metadata_props``. Only ``model_name`` has no default.

>>> ModelMetadata(model_name="amp", native_sample_rates=[48000]).model_type
'stereo-stereo'
>>> "model_name" in ModelMetadata.model_json_schema()["properties"]
True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neutone.errors import MetadataError
from neutone.parameters import (
    AnyParameter,
    NumericalNeutoneParameter,
    describe_validation_error,
)

__all__ = ["ModelMetadata", "SampleSoundFiles"]

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
SampleRate = Annotated[int, Field(ge=1000, le=384_000)]
BufferSize = Annotated[int, Field(ge=1, le=65_536)]
Tag = Annotated[str, Field(max_length=15)]


class SampleSoundFiles(BaseModel):
    """A pair of MP3 files, base64: what goes in, what comes out."""

    model_config = ConfigDict(populate_by_name=True)
    input: str = Field(alias="in")
    output: str = Field(alias="out")


class ModelMetadata(BaseModel):
    """Name, authors, parameters, rates (Hz), block sizes (frames), channels. Raises
    :class:`~neutone.errors.MetadataError` where a limit is broken."""

    # Hosts add keys of their own, and a key such as model_name must not collide with pydantic's own namespace.
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    model_name: str = Field(max_length=30)
    model_authors: list[str] = Field(default_factory=list, max_length=5)
    model_short_description: str = Field(default="", max_length=150)
    model_long_description: str = Field(default="", max_length=500)
    technical_description: str = Field(default="", max_length=500)
    technical_links: dict[str, str] = Field(default_factory=dict, max_length=3)
    tags: list[Tag] = Field(default_factory=list, max_length=7)
    model_version: str = "1.0.0"
    citation: str = Field(default="", max_length=300)
    is_experimental: bool = False

    neutone_parameters: dict[str, AnyParameter] = Field(default_factory=dict)
    wet_default_value: Unit = 1.0
    dry_default_value: Unit = 0.0
    input_gain_default_value: Unit = 0.5
    output_gain_default_value: Unit = 0.5

    native_sample_rates: list[SampleRate] = Field(default_factory=list)
    native_buffer_sizes: list[BufferSize] = Field(default_factory=list)
    is_input_mono: bool = False
    is_output_mono: bool = False
    look_behind_samples: int = Field(default=0, ge=0, le=1 << 20)
    model_delay_samples: int = Field(default=0, ge=0, le=1 << 28)
    """of ONNX files, at the model's rate; a ``.nm`` file's model is asked instead"""

    sdk_version: str = ""
    pytorch_version: str = ""
    date_created: float = 0.0
    sample_sound_files: list[SampleSoundFiles] = Field(default_factory=list, max_length=3)

    @model_validator(mode="before")
    @classmethod
    def _accept_older_files(cls, fields: Any) -> Any:
        """Files before 1.5 give no type (continuous) and no range (0..1)."""
        if not isinstance(fields, Mapping) or not isinstance(fields.get("neutone_parameters"), Mapping):
            return fields
        parameters = {
            key: {"type": "continuous", **value} if isinstance(value, Mapping) else value
            for key, value in fields["neutone_parameters"].items()
        }
        return {**fields, "neutone_parameters": parameters}

    @model_validator(mode="after")
    def _check_names(self) -> ModelMetadata:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two parameters are named {name!r}")
        return self

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise MetadataError(f"model metadata, {describe_validation_error(error)}") from None

    @property
    def model_type(self) -> str:
        """``"mono-stereo"`` and the like, as hosts show it."""
        return f"{'mono' if self.is_input_mono else 'stereo'}-{'mono' if self.is_output_mono else 'stereo'}"

    @property
    def parameters(self) -> list[NumericalNeutoneParameter]:
        """The parameters that a stream carries, in the order of their rows: continuous and categorical ones in use."""
        ordered = sorted(self.neutone_parameters.items(), key=lambda item: (len(item[0]), item[0]))
        return [p for _, p in ordered if isinstance(p, NumericalNeutoneParameter) and p.used]

    @property
    def parameter_rows(self) -> list[int]:
        """For each of :attr:`parameters` its row among those of a wrapped model: the key ``p1`` is row 0. Unused
        parameters have rows too, which hosts leave at 0."""
        wanted = self.parameters
        return sorted(_row_of(key) for key, p in self.neutone_parameters.items() if any(p is one for one in wanted))

    def to_json_dict(self) -> dict[str, Any]:
        """The dictionary that is written into a model file."""
        return {**self.model_dump(mode="json", by_alias=True), "model_type": self.model_type}


def _row_of(key: str) -> int:
    return int(key[1:]) - 1 if key[:1] == "p" and key[1:].isdecimal() else -1
