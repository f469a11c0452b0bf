"""``.nm`` files: the model inside, its metadata, and the rows of its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neutone.errors import ConfigurationError, MetadataError, ModelFileError
from neutone.limits import HOST_PARAMETERS
from neutone.model.archive import METADATA_FILE
from neutone.model.metadata import ModelMetadata
from neutone_torch.torchscript.program import ANNOUNCE_BLOCK, Program

REQUIRED_METHODS = (("forward",), ANNOUNCE_BLOCK, ("reset",))
"""The methods that are needed to run a model, each with its names in order of preference."""

# If the model takes any rate or block size, its delay is read at these.
TYPICAL_RATE, TYPICAL_BLOCK = 48_000, 512


def read_wrapped(
    module: Any, text: bytes, path: Path, sample_rate: int | None = None, block_size: int | None = None
) -> Program:
    """Find out how to run the model in a ``.nm`` file.

    Args:
        module: The archive's module, which has the model as its attribute ``w2w_base``.
        text: The file's metadata.json.
        path: The path of the file, for messages.
        sample_rate: One of the model's native rates (Hz), to use no other.
        block_size: One of the model's native block sizes (frames), to use no other.

    Raises:
        neutone.errors.ModelFileError: The file is not a real-time model, or lacks methods that are needed to run it.
        neutone.errors.ConfigurationError: The rate or block size is not one of the model's.
    """
    if getattr(module, "realtime", True) is False or hasattr(module, "nrb"):
        raise ModelFileError(
            f"{path} holds a model that does not run in real time (realtime is False); expected one that takes audio "
            f"block by block"
        )
    model = getattr(module, "w2w_base", None)
    if model is None:
        raise ModelFileError(f"{path} has {METADATA_FILE} but no model in an attribute 'w2w_base'")
    missing = [names[0] for names in REQUIRED_METHODS if not any(hasattr(model, name) for name in names)]
    if missing:
        raise ModelFileError(f"{path}: the model w2w_base has no method {missing[0]!r}; freezing may have removed it")
    metadata = read_description(text, path, sample_rate, block_size)
    return Program(
        model,
        metadata,
        (1 if metadata.is_input_mono else 2,),
        (1 if metadata.is_output_mono else 2,),
        _parameter_rows(metadata, path),
    )


def read_description(
    text: bytes, path: Path, sample_rate: int | None = None, block_size: int | None = None
) -> ModelMetadata:
    """Return the metadata of a ``.nm`` file. If the caller has chosen a rate (Hz) or block size (frames), only that one
    is left in it.

    Raises :class:`~neutone.errors.ModelFileError` if a value exceeds its limit, and
    :class:`~neutone.errors.ConfigurationError` if the rate or block size is not one of the model's.
    """
    try:
        metadata = ModelMetadata.from_json(text)
    except MetadataError as error:
        raise ModelFileError(f"{path}, {METADATA_FILE}: {error}") from error
    _parameter_rows(metadata, path)
    return _pinned(metadata, path, sample_rate, block_size)


def _pinned(metadata: ModelMetadata, path: Path, sample_rate: int | None, block_size: int | None) -> ModelMetadata:
    """Return the metadata with only the rate and block size that the caller has chosen."""
    chosen: dict[str, list[int]] = {}
    for option, value, key in (
        ("sample_rate", sample_rate, "native_sample_rates"),
        ("block_size", block_size, "native_buffer_sizes"),
    ):
        if value is None:
            continue
        native = getattr(metadata, key)
        if native and value not in native:
            raise ConfigurationError(f"{option} is {value}, but {path.name} runs at {native} only")
        chosen[key] = [value]
    return metadata.model_copy(update=chosen)


def _parameter_rows(metadata: ModelMetadata, path: Path) -> tuple[int, ...]:
    try:
        return tuple(metadata.parameter_rows_up_to(HOST_PARAMETERS))
    except MetadataError as error:
        raise ModelFileError(f"{path}: {error}") from error


def read_delay(program: Program) -> int:
    """Return the delay in frames at the model's rate, as the model reports it at its first native rate and block
    size."""
    metadata = program.metadata
    rate = (metadata.native_sample_rates or [TYPICAL_RATE])[0]
    size = (metadata.native_buffer_sizes or [TYPICAL_BLOCK])[0]
    return program.delay(program.open(rate, size))
