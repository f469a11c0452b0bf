"""What neutone_sdk 1.5.2, and hosts that check as it does, refuse to load although the format allows it."""

from neutone.model.metadata import ModelMetadata
from neutone.model.parameters import ContinuousNeutoneParameter

PEER_VERSION = "1.5.2"
PEER_HIGHEST_RATE = 96_000


def peer_refusals(metadata: ModelMetadata) -> list[str]:
    """Return a reason for each property of a real-time model that neutone_sdk's validator refuses.

    >>> peer_refusals(ModelMetadata(model_name="hi-res", native_sample_rates=[48_000, 192_000]))
    ['the native sample rate 192000 Hz (96000 is the most)']
    """
    reasons = [
        f"the {parameter.type} parameter {parameter.name!r} (only continuous ones are known)"
        for parameter in metadata.neutone_parameters.values()
        if not isinstance(parameter, ContinuousNeutoneParameter)
    ]
    reasons += [
        f"the native sample rate {rate} Hz ({PEER_HIGHEST_RATE} is the most)"
        for rate in metadata.native_sample_rates
        if rate > PEER_HIGHEST_RATE
    ]
    lists = {
        "author": metadata.model_authors,
        "tag": metadata.tags,
        "native sample rate": metadata.native_sample_rates,
        "native buffer size": metadata.native_buffer_sizes,
    }
    for what, items in lists.items():
        reasons += [f"the {what} {item!r} is listed twice" for item in dict.fromkeys(items) if items.count(item) > 1]  # type: ignore[call-overload, attr-defined]
    return reasons
