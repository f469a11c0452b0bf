"""Load models. The suffix of the file name picks the backend."""

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
    """Return the path of the neural guitar amp that comes with neutone: an ONNX file, 48 kHz, mono, with the parameters
    ``drive`` and ``tone``.

    >>> default_model().name
    'amp.onnx'
    """
    return ASSETS / "amp.onnx"


def names_a_class(path: str | PathLike[str]) -> bool:
    """Return whether `path` names a class, such as ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, and
    not a file.

    >>> names_a_class("my_model.py:MyWrapper"), names_a_class("my_model.onnx")
    (True, False)
    """
    return re.fullmatch(r".+:[^\W\d]\w*", str(path)) is not None and not Path(path).exists()


def load(path: str | Path | object, *, backend: str | None = None, trust: bool = False, **options: Any) -> Model:
    """Load a model from a file, or make one from a wrapper.

    Args:
        path: The model file. Or a wrapper: an instance of ``neutone.sdk.WaveformToWaveformBase``, or the name of such a
            class, like ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``. A wrapper's code is run, by the
            backend ``python``.
        backend: The name of an installed backend. By default it is the one that claims the file's suffix.
        trust: Let a file that neutone has fetched run its code. This is remembered by the file's SHA-256. Files that
            you obtained yourself run like any other program: see docs/security.md.
        options: The backend's own options, such as ``sample_rate`` and ``block_size`` for a plain ONNX file.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ModelFileError: The file is not a model that the backend can run.
        neutone.errors.UnknownPluginError: No backend of that name, or for that suffix, is installed.
        neutone.errors.MissingExtraError: The backend's runtime is not installed.
        neutone.errors.UntrustedFileError: The file was fetched, would run its code, and is not trusted.

    >>> model = load(default_model())
    >>> [parameter.name for parameter in model.metadata.parameters]
    ['drive', 'tone']
    """
    runtime = _backend_of(path, backend)
    if runtime.runs_code and isinstance(path, str | PathLike):
        require_trust(Path(_file_of(path)), trust)
    return runtime.load(cast(Any, path), **options)


def inspect(path: str | Path | object, *, backend: str | None = None, **options: Any) -> ModelSummary:
    """Return what a model file says about its model. Unlike :func:`load`, this runs none of the file's code: see
    docs/security.md.

    Arguments and errors are those of :func:`load`. A wrapper (an instance, or a name such as
    ``"my_model.py:MyWrapper"``) is a program rather than a file, so it is loaded.

    >>> summary = inspect(default_model())
    >>> summary.metadata.model_name, summary.input_channels, summary.model_delay
    ('Neutone Amp', 1, 0)
    """
    return _backend_of(path, backend).inspect(cast(Any, path), **options)


def _file_of(path: str | PathLike[str]) -> str:
    """Return the file in a name such as ``my_model.py:MyWrapper``."""
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
            f"choose one with backend=..., from {', '.join(backends.names())}"
        )
    first = next(iter(claims))
    if len(claims) > 1:
        warnings.warn(
            f"the suffix {suffix!r} is claimed by the backends {', '.join(claims)}; {first} is used: choose one with "
            f"backend=...",
            PluginWarning,
            stacklevel=3,
        )
    return claims[first]()
