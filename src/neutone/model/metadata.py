"""The metadata of a model: one schema for ``.nm`` and ``.onnx`` files.

The keys are those of ``metadata.json`` in a ``.nm`` file. In an ONNX file, the same JSON is the value of the key
``neutone`` in ``metadata_props``. Only ``model_name`` is required.

>>> ModelMetadata(model_name="amp", native_sample_rates=[48000]).model_type
'stereo-stereo'
>>> "model_name" in ModelMetadata.model_json_schema()["properties"]
True
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from neutone.errors import MetadataError, shown
from neutone.limits import (
    MAX_BUFFER_SIZE,
    MAX_DELAY,
    MAX_LOOK_BEHIND,
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_METADATA_VALUES,
    MAX_PARAMETERS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
)
from neutone.model.older_files import brought_up_to_date
from neutone.model.parameters import (
    AnyParameter,
    NumericalNeutoneParameter,
    describe_validation_error,
)

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
SampleRate = Annotated[int, Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE)]
BufferSize = Annotated[int, Field(ge=1, le=MAX_BUFFER_SIZE)]
MAX_TAG_LENGTH = 15
Tag = Annotated[str, Field(max_length=MAX_TAG_LENGTH)]
Line = Annotated[str, Field(max_length=200)]
Link = Annotated[str, Field(max_length=2000)]
Key = Annotated[str, Field(max_length=200)]
CUT_TO_LENGTH = (
    "model_name", "model_short_description", "model_long_description", "technical_description", "tags", "citation",
)  # fmt: skip
"""The fields whose length changes nothing that is heard: from a file, they are cut instead of refused."""
MAX_SAMPLE_RATES, MAX_BUFFER_SIZES = 64, 4096
"""How many rates and block sizes a model may list. Every rate is tried with every size to find the least latency."""


class SampleSoundFiles(BaseModel):
    """A pair of MP3 files, base64-encoded: an input, and the model's output for it."""

    model_config = ConfigDict(populate_by_name=True)
    input: str = Field(alias="in")
    output: str = Field(alias="out")


class ModelMetadata(BaseModel):
    """A model's name, authors, parameters, sample rates (Hz), block sizes (frames) and channels.

    Attributes:
        model_name: The model's name, at most 30 characters.
        model_authors: The authors' names, at most 5.
        model_short_description: What the model does, for musicians, in at most 150 characters.
        model_long_description: How to use the model, for musicians, in at most 500 characters.
        technical_description: The architecture, training and data, for researchers, in at most 500 characters.
        technical_links: A mapping from names of links to their addresses, at most 3.
        tags: At most 7 tags of at most 15 characters each.
        model_version: The version of the model.
        citation: The citation of the paper behind the model, in at most 300 characters.
        is_experimental: Whether hosts should mark the model as experimental.
        neutone_parameters: A mapping from ``p1``, ``p2`` and so on to the parameters.
        wet_default_value: The default level of the model's output in the mix, 0..1.
        dry_default_value: The default level of the input in the mix, 0..1.
        input_gain_default_value: The default gain before the model, as 0..1 for -30..+30 dB.
        output_gain_default_value: The default gain after the mix, as 0..1 for -30..+30 dB.
        native_sample_rates: The sample rates in Hz that the model supports. Empty: any rate.
        native_buffer_sizes: The block sizes in frames that the model supports. Empty: any size, and blocks may vary.
        is_input_mono: Whether the model has one input channel, not two.
        is_output_mono: Whether the model has one output channel, not two.
        look_behind_samples: The number of frames before each block that the model needs.
        model_delay_samples: The model's delay in frames at its rate. Only ONNX files use it; a ``.nm`` file's model
            reports its own delay.
        sdk_version: The version of the SDK that wrote the file.
        pytorch_version: The version of PyTorch that wrote the file.
        date_created: When the file was written, in seconds since 1970.
        sample_sound_files: Sounds that demonstrate the model, at most 3 pairs.

    Raises:
        neutone.errors.MetadataError: A value exceeds its limit.
    """

    # Hosts add keys of their own, and a key such as model_name must not collide with pydantic's own namespace.
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    model_name: str = Field(max_length=30)
    model_authors: list[Line] = Field(default_factory=list, max_length=5)
    model_short_description: str = Field(default="", max_length=150)
    model_long_description: str = Field(default="", max_length=500)
    technical_description: str = Field(default="", max_length=500)
    technical_links: dict[Line, Link] = Field(default_factory=dict, max_length=3)
    tags: list[Tag] = Field(default_factory=list, max_length=7)
    model_version: Line = "1.0.0"
    citation: str = Field(default="", max_length=300)
    is_experimental: bool = False

    neutone_parameters: dict[Key, AnyParameter] = Field(default_factory=dict, max_length=MAX_PARAMETERS)
    wet_default_value: Unit = 1.0
    dry_default_value: Unit = 0.0
    input_gain_default_value: Unit = 0.5
    output_gain_default_value: Unit = 0.5

    native_sample_rates: list[SampleRate] = Field(default_factory=list, max_length=MAX_SAMPLE_RATES)
    native_buffer_sizes: list[BufferSize] = Field(default_factory=list, max_length=MAX_BUFFER_SIZES)
    is_input_mono: bool = False
    is_output_mono: bool = False
    look_behind_samples: int = Field(default=0, ge=0, le=MAX_LOOK_BEHIND)
    model_delay_samples: int = Field(default=0, ge=0, le=MAX_DELAY)

    sdk_version: Line = ""
    pytorch_version: Line = ""
    date_created: float = 0.0
    sample_sound_files: list[SampleSoundFiles] = Field(default_factory=list, max_length=3)
    _oddities: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="before")
    @classmethod
    def _default_to_continuous(cls, fields: Any) -> Any:
        """Take parameters without a type as continuous: files from before version 1.5 have none."""
        if not isinstance(fields, Mapping) or not isinstance(fields.get("neutone_parameters"), Mapping):
            return fields
        parameters = {
            key: {"type": "continuous", **value} if isinstance(value, Mapping) else value
            for key, value in fields["neutone_parameters"].items()
        }
        return {**fields, "neutone_parameters": parameters}

    @model_validator(mode="after")
    def _check_names(self) -> ModelMetadata:
        names: set[str] = set()
        for parameter in self.parameters:
            if parameter.name in names:
                raise ValueError(f"two parameters are named {shown(parameter.name)}")
            names.add(parameter.name)
        return self

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise MetadataError(f"model metadata, {describe_validation_error(error)}") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelMetadata:
        """Read metadata from the JSON in a model file. Bytes that are not UTF-8 become U+FFFD, the replacement
        character. Files of older versions, and texts that are too long, are brought into the schema:
        :attr:`oddities` lists what was changed.

        Raises :class:`~neutone.errors.MetadataError` if it is not a JSON object, or if a value exceeds its limit.

        >>> ModelMetadata.from_json('{"model_name": "amp"}').model_name
        'amp'
        """
        if len(text) > MAX_METADATA_BYTES:
            raise MetadataError(f"the metadata has {len(text)} bytes, expected {MAX_METADATA_BYTES} at most")
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        values = sum(map(text.count, ",[{"))
        if values > MAX_METADATA_VALUES:
            raise MetadataError(f"the metadata has about {values} values, expected {MAX_METADATA_VALUES} at most")
        try:
            fields = json.loads(text)
            if "\\ud" in text.lower():  # escaped lone surrogates, which cannot be printed
                fields = json.loads(json.dumps(fields, ensure_ascii=False).encode(errors="replace"))
        except RecursionError:
            raise MetadataError(f"the metadata is nested more than {MAX_METADATA_DEPTH} levels deep") from None
        except ValueError as error:  # json's, or Python's for a number of 5000 digits
            raise MetadataError(f"the metadata is not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise MetadataError(f"the metadata is {shown(fields)}, expected a JSON object")
        _refuse_deep_nesting(fields)
        try:
            fields, odd = brought_up_to_date(fields, cls._lengths(), MAX_TAG_LENGTH)
            made = cls(**fields)
            made._oddities = tuple(odd)
            return made
        except TypeError as error:  # a key such as "self"
            raise MetadataError(f"the metadata has a key that is not allowed: {error}") from None

    @classmethod
    def _lengths(cls) -> dict[str, int]:
        """Return the most characters of each text, and the most items of each list, by field."""
        return {
            name: limit.max_length
            for name in CUT_TO_LENGTH
            for limit in cls.model_fields[name].metadata
            if hasattr(limit, "max_length")
        }

    @property
    def oddities(self) -> tuple[str, ...]:
        """What was brought into the schema when the metadata was read from a file, a line each."""
        return self._oddities

    @property
    def model_type(self) -> str:
        """The channels as hosts show them, such as ``"mono-stereo"``."""
        return f"{'mono' if self.is_input_mono else 'stereo'}-{'mono' if self.is_output_mono else 'stereo'}"

    @property
    def parameters(self) -> list[NumericalNeutoneParameter]:
        """The parameters that a stream carries, in row order: the continuous and categorical ones that are in use."""
        return [parameter for _, parameter in self._carried()]

    @property
    def all_parameters(self) -> list[tuple[str, AnyParameter]]:
        """All parameters as (key, parameter) pairs, in row order: ``p2`` comes before ``p10``."""
        return sorted(self.neutone_parameters.items(), key=lambda item: (len(item[0]), item[0]))

    def _carried(self) -> list[tuple[str, NumericalNeutoneParameter]]:
        return [(key, p) for key, p in self.all_parameters if isinstance(p, NumericalNeutoneParameter) and p.used]

    @property
    def parameter_rows(self) -> list[int]:
        """The row of each of :attr:`parameters` in a wrapped model's parameter tensor; the key ``p1`` is row 0. Unused
        parameters also have rows, which hosts leave at 0.

        Raises:
            neutone.errors.MetadataError: A key is not ``p1``, ``p2`` and so on.
        """
        return self.parameter_rows_up_to(MAX_PARAMETERS)

    def parameter_rows_up_to(self, most: int) -> list[int]:
        """Return :attr:`parameter_rows` for a model with `most` rows. A key beyond the last row is also an error."""
        rows = []
        for key, parameter in self._carried():
            row = int(key[1:]) - 1 if re.fullmatch("p[1-9][0-9]{0,8}", key) else -1
            if not 0 <= row < most:
                raise MetadataError(
                    f"the parameter {shown(parameter.name)} has the key {shown(key)}, expected p1 to p{most}"
                )
            rows.append(row)
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return the metadata as the dictionary that is written into a model file."""
        return {**self.model_dump(mode="json", by_alias=True), "model_type": self.model_type}


def _refuse_deep_nesting(fields: dict[str, Any]) -> None:
    level: list[Any] = [fields]
    for _ in range(MAX_METADATA_DEPTH):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise MetadataError(f"the metadata is nested more than {MAX_METADATA_DEPTH} levels deep")
