"""neutone runs neural audio models wherever sound is.

>>> import numpy as np
>>> import neutone
>>> engine = neutone.Engine(neutone.load(neutone.default_model()), sample_rate=48_000, block_size=128, channels=2)
>>> engine.process(np.zeros((2, 128), np.float32)).shape
(2, 128)
>>> engine.latency.total
0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neutone import errors
from neutone._core import Resampler, Ring, Schedule
from neutone.engine import Engine
from neutone.engine_stats import EngineStats, LiveStats
from neutone.include_folder import get_include
from neutone.latency import Latency
from neutone.loading import default_model, inspect, load
from neutone.rendering import render

if TYPE_CHECKING:
    from neutone.file_rendering import render_file
    from neutone.metadata import ModelMetadata

    __version__: str

__all__ = [
    "Engine",
    "EngineStats",
    "Latency",
    "LiveStats",
    "ModelMetadata",
    "Resampler",
    "Ring",
    "Schedule",
    "__version__",
    "default_model",
    "errors",
    "get_include",
    "inspect",
    "load",
    "render",
    "render_file",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    # soundfile loads a shared library, pydantic builds its schemas: only those who use them wait for it.
    if name == "render_file":
        return import_module("neutone.file_rendering").render_file
    if name == "ModelMetadata":
        return import_module("neutone.metadata").ModelMetadata
    if name == "__version__":
        return import_module("importlib.metadata").version("neutone")
    raise AttributeError(f"module 'neutone' has no attribute {name!r}")
