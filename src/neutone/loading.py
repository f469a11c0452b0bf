"""From a file name to a model: the suffix picks the backend."""

from __future__ import annotations

import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from neutone.errors import PluginWarning, UnknownPluginError
from neutone.plugins.contracts import Model
from neutone.plugins.registry import backends

__all__ = ["ASSETS", "default_model", "load", "names_a_class"]

ASSETS = Path(__file__).parent / "assets"


def default_model() -> Path:
    """The neural guitar amp that comes with neutone: an ONNX file, 48 kHz, mono, knobs ``drive`` and ``tone``.

    >>> default_model().name
    'amp.onnx'
    """
    return ASSETS / "amp.onnx"


def names_a_class(path: str | PathLike[str]) -> bool:
    """Whether it is a name such as ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, and no file.

    >>> names_a_class("my_model.py:MyWrapper"), names_a_class("my_model.onnx")
    (True, False)
    """
    return re.fullmatch(r".+:[^\W\d]\w*", str(path)) is not None and not Path(path).exists()


def load(path: str | Path | object, *, backend: str | None = None, **options: Any) -> Model:
    """The model in a file, or in memory.

    Args:
        path: the model file; or a ``neutone.sdk.WaveformToWaveformBase``, or a name such as
            ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, whose code is run: the backend ``python``.
        backend: the name of an installed backend; by default the one that claims the file's suffix.
        options: what the backend takes, e.g. ``sample_rate`` and ``block_size`` for a plain ONNX file.

    Raises:
        FileNotFoundError: there is no such file.
        neutone.errors.ModelFileError: the file is not a model that the backend can run.
        neutone.errors.UnknownPluginError: no backend of that name, or for that suffix, is installed.
        neutone.errors.MissingExtraError: the backend's runtime is not installed.

    >>> model = load(default_model())
    >>> [parameter.name for parameter in model.metadata.parameters]
    ['drive', 'tone']
    """
    given: Any = path
    if backend is None and (not isinstance(path, str | PathLike) or names_a_class(path)):
        backend = "python"
    if backend is not None:
        return backends.get(backend)().load(given, **options)
    suffix = Path(given).suffix.lower()
    claims = {name: plugin for name, plugin in backends.all() if suffix in plugin.suffixes}
    if not claims:
        known = sorted({suffix for _, plugin in backends.all() for suffix in plugin.suffixes})
        raise UnknownPluginError(
            f"no backend for {str(path)!r}: its suffix is {suffix!r}, installed backends take {', '.join(known)}; "
            f"name one with backend=..., of {', '.join(backends.names())}"
        )
    first = next(iter(claims))
    if len(claims) > 1:
        warnings.warn(
            f"the suffix {suffix!r} is claimed by the backends {', '.join(claims)}; {first} is used: name one with "
            f"backend=...",
            PluginWarning,
            stacklevel=2,
        )
    return claims[first]().load(given, **options)
