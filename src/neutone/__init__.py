"""neutone runs neural audio models: live in an audio host, in a callback, or over whole files.

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

if TYPE_CHECKING:
    from neutone._core import Resampler, Ring, Schedule
    from neutone.engine.chain import Chain
    from neutone.engine.dual import Dual
    from neutone.engine.engine import Engine
    from neutone.engine.latency import Latency
    from neutone.engine.stats import EngineStats, LiveStats
    from neutone.include_folder import get_include
    from neutone.model.metadata import ModelMetadata
    from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter
    from neutone.plugins.loading import default_model, inspect, load
    from neutone.rendering.files import render_file
    from neutone.rendering.signal import render

    __version__: str

__all__ = [
    "CategoricalNeutoneParameter",
    "Chain",
    "ContinuousNeutoneParameter",
    "Dual",
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


_HOMES = {
    "CategoricalNeutoneParameter": "model.parameters",
    "Chain": "engine.chain",
    "ContinuousNeutoneParameter": "model.parameters",
    "Dual": "engine.dual",
    "Engine": "engine.engine",
    "EngineStats": "engine.stats",
    "Latency": "engine.latency",
    "LiveStats": "engine.stats",
    "ModelMetadata": "model.metadata",
    "Resampler": "_core",
    "Ring": "_core",
    "Schedule": "_core",
    "default_model": "plugins.loading",
    "get_include": "include_folder",
    "inspect": "plugins.loading",
    "load": "plugins.loading",
    "render": "rendering.signal",
    "render_file": "rendering.files",
}


def __getattr__(name: str) -> Any:
    # Importing the package imports nothing slow, so that the command line's help or a plug-in's class need not wait
    # for numpy or the core.
    if name == "__version__":
        return import_module("importlib.metadata").version("neutone")
    if name not in _HOMES:
        raise AttributeError(f"module 'neutone' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"neutone.{_HOMES[name]}"), name)
    return found
