"""Check a model's metadata against the schema."""

from collections.abc import Mapping
from typing import Any

from neutone.errors import MetadataError
from neutone.sdk import ModelMetadata

SCHEMA: dict[str, Any] = ModelMetadata.model_json_schema()
"""The schema of ``metadata.json``, as JSON Schema."""

extra_required_params_realtime = ["is_input_mono", "is_output_mono", "model_type", "look_behind_samples"]
required_params = [
    name
    for name in ModelMetadata.model_fields
    if name not in (*extra_required_params_realtime, "model_delay_samples")
]  # fmt: skip


def validate_metadata(metadata: Mapping[str, Any], realtime: bool) -> bool:
    """Return True if metadata has all keys and every value is within its limits. Nothing is looked up on the network.

    Args:
        metadata: The contents of ``metadata.json``.
        realtime: Whether the keys of real-time models are needed.

    Raises:
        neutone.errors.MetadataError: A key is missing, or a value is not valid.

    >>> validate_metadata(ModelMetadata(model_name="amp").to_json_dict(), realtime=True)
    True
    """
    for key in [*required_params, *(extra_required_params_realtime if realtime else [])]:
        if key not in metadata:
            raise MetadataError(f"the metadata has no {key!r}, expected {len(required_params)} keys or more")
    ModelMetadata(**metadata)
    return True
