"""The names of neutone_sdk 1.5.2 that neutone does not have yet. When one is built, its line here goes."""

from collections.abc import Callable
from typing import NoReturn

from neutone.errors import MissingNameError

NOT_YET: dict[str, tuple[str, ...]] = {
    "audio": ("run_inference_nonrealtime",),
    "benchmark": (
        "benchmark_latency",
        "benchmark_latency_",
        "benchmark_speed",
        "benchmark_speed_",
        "cli",
        "profile",
        "profile_sqw",
    ),
    "cached_mel_spec": ("CachedMelSpec",),
    "conv": ("Conv1dGeneral", "PaddingCached"),
    "filters": ("FIRFilter", "FilterType", "IIRFilter", "IIRSVF"),
    "gcn_1d": ("Conv1dCausal", "GCN1D", "GCN1DBlock", "GatedAF", "TFiLM"),
    "non_realtime_sqw": ("NonRealtimeSampleQueueWrapper",),
    "non_realtime_wrapper": ("NonRealtimeBase", "NonRealtimeTokenizerBase", "TokenizerType"),
    "realtime_stft": ("RealtimeSTFT",),
    "sandwich": ("PTResampler",),
    "tcn_1d": ("FiLM", "TCN1D", "TCN1DBlock", "causal_crop"),
}
"""The missing names, by the module of neutone_sdk that they are in."""


def refuse_missing(module: str) -> Callable[[str], NoReturn]:
    """Return a ``__getattr__`` for a module of ``neutone.compat``, which says that a name is not there yet.

    >>> refuse_missing("neutone.compat.filters")("FIRFilter")
    Traceback (most recent call last):
    ...
    neutone.errors.MissingNameError: neutone_sdk.filters.FIRFilter is not part of neutone yet: ...
    """

    def __getattr__(name: str) -> NoReturn:
        short = module.rpartition(".")[2]
        if name in NOT_YET[short]:
            raise MissingNameError(
                f"neutone_sdk.{short}.{name} is not part of neutone yet: until it is, your code needs its own"
            )
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__
