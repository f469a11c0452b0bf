"""From a file name to a model: the suffix picks the backend."""

from __future__ import annotations

import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any, cast

from neutone.errors import PluginWarning, UnknownPluginError
from neutone.model.contract import Model, ModelSummary
from neutone.model.trust import require_trust
from neutone.plugins.backend import Backend
from neutone.plugins.registry import backends

ASSETS = Path(__file__).parents[1] / "assets"


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


def load(path: str | Path | object, *, backend: str | None = None, trust: bool = False, **options: Any) -> Model:
    """The model in a file, or in memory.

    Args:
        path: the model file; or a ``neutone.sdk.WaveformToWaveformBase``, or a name such as
            ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, whose code is run: the backend ``python``.
        backend: the name of an installed backend; by default the one that claims the file's suffix.
        trust: let a file run its code although neutone has fetched it; remembered by the file's SHA-256. Files that you
            have put somewhere yourself run as any program does: see docs/security.md.
        options: what the backend takes, e.g. ``sample_rate`` and ``block_size`` for a plain ONNX file.

    Raises:
        FileNotFoundError: there is no such file.
        neutone.errors.ModelFileError: the file is not a model that the backend can run.
        neutone.errors.UnknownPluginError: no backend of that name, or for that suffix, is installed.
        neutone.errors.MissingExtraError: the backend's runtime is not installed.
        neutone.errors.UntrustedFileError: the file was fetched, would run its code, and is not trusted.

    >>> model = load(default_model())
    >>> [parameter.name for parameter in model.metadata.parameters]
    ['drive', 'tone']
    """
    runtime = _backend_of(path, backend)
    if runtime.runs_code and isinstance(path, str | PathLike):
        require_trust(Path(_file_of(path)), trust)
    return runtime.load(cast(Any, path), **options)


def inspect(path: str | Path | object, *, backend: str | None = None, **options: Any) -> ModelSummary:
    """What a model file says of itself. Nothing of the file is run, as :func:`load` may do: see docs/security.md.

    Arguments and errors are those of :func:`load`. A wrapper (an instance, or a name such as
    ``"my_model.py:MyWrapper"``) is a program and no file; it is loaded.

    >>> summary = inspect(default_model())
    >>> summary.metadata.model_name, summary.input_channels, summary.model_delay
    ('Neutone Amp', 1, 0)
    """
    return _backend_of(path, backend).inspect(cast(Any, path), **options)


def _file_of(path: str | PathLike[str]) -> str:
    """Of ``my_model.py:MyWrapper`` the file."""
    return str(path).rpartition(":")[0] if names_a_class(path) else str(path)


def _backend_of(path: object, backend: str | None) -> Backend:
    if backend is None and (not isinstance(path, str | PathLike) or names_a_class(path)):
        backend = "python"
    if backend is not None:
        return backends.get(backend)()
    suffix = Path(path).suffix.lower()  # type: ignore[arg-type]
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
            stacklevel=3,
        )
    return claims[first]()
