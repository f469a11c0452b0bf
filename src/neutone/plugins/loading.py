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
SHIPPED_MODELS = {"amp": ASSETS / "amp.onnx"}
"""The models that come with neutone, by the names that stand for their files."""


def default_model() -> Path:
    """Return the path of the neural guitar amp that comes with neutone: an ONNX file, 48 kHz, mono, with the parameters
    ``drive`` and ``tone``.

    >>> default_model().name
    'amp.onnx'
    """
    return SHIPPED_MODELS["amp"]


def names_a_class(path: str | PathLike[str]) -> bool:
    """Return whether `path` names a class, such as ``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, and
    not a file.

    >>> names_a_class("my_model.py:MyWrapper"), names_a_class("my_model.onnx")
    (True, False)
    """
    return re.fullmatch(r".+:[^\W\d]\w*", str(path)) is not None and not Path(path).exists()


def named_file(path: Any) -> Any:
    """Return the file of a model that comes with neutone if `path` is its name and there is no file of that name.
    Return anything else unchanged.

    >>> named_file("amp") == default_model(), named_file("other.onnx")
    (True, 'other.onnx')
    """
    if isinstance(path, str) and path in SHIPPED_MODELS and not Path(path).exists():
        return SHIPPED_MODELS[path]
    return path


def models_in(name: str) -> list[str]:
    """Return the models that a name such as ``"amp+other.onnx"`` stands for: those between plus signs, unless a file
    has the whole name.

    >>> models_in("amp+other.onnx")
    ['amp', 'other.onnx']
    """
    parts = [part.strip() for part in name.split("+")]
    return [name] if Path(name).exists() or not all(parts) else parts


def load(path: str | Path | object, *, backend: str | None = None, trust: bool = False, **options: Any) -> Model:
    """Load a model from a file, or make one from a wrapper.

    Args:
        path: The model file, or ``"amp"`` for the guitar amp that comes with neutone. Or a wrapper: an instance of
            ``neutone.sdk.WaveformToWaveformBase``, or the name of such a class, like ``"my_model.py:MyWrapper"`` or
            ``"package.module:MyWrapper"``. A wrapper's code is run, by the backend ``python``.
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

    >>> model = load("amp")
    >>> [parameter.name for parameter in model.metadata.parameters]
    ['drive', 'tone']
    """
    path = named_file(path)
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
    path = named_file(path)
    return _backend_of(path, backend).inspect(cast(Any, path), **options)


def _file_of(path: str | PathLike[str]) -> str:
    """Return the file in a name such as ``my_model.py:MyWrapper``."""
    return str(path).rpartition(":")[0] if names_a_class(path) else str(path)


def backend_name(path: object, backend: str | None = None) -> str:
    """Return the name of the backend that :func:`load` uses for the same arguments.

    >>> backend_name("amp"), backend_name("my_model.py:MyWrapper")
    ('onnx', 'python')

    Raises :class:`~neutone.errors.UnknownPluginError` if no installed backend claims the file's suffix.
    """
    if backend is not None:
        return backend
    return _claims(named_file(path))[0]


def _claims(path: object) -> list[str]:
    """Return the names of the backends that claim a file or a wrapper. The first is used."""
    if not isinstance(path, str | PathLike) or names_a_class(path):
        return ["python"]
    suffix = Path(path).suffix.lower()
    claims = [name for name, plugin in backends.all() if suffix in plugin.suffixes]
    if not claims:
        known = sorted({suffix for _, plugin in backends.all() for suffix in plugin.suffixes})
        found = f"its suffix is {suffix!r}" if suffix else "it is not a model file"
        raise UnknownPluginError(
            f"no installed backend takes {str(path)!r}: {found}; expected {', '.join(known)}, my_model.py:MyWrapper or "
            f"{', '.join(SHIPPED_MODELS)}; or choose the backend (backend=..., --backend) from "
            f"{', '.join(backends.names())}"
        )
    return claims


def _backend_of(path: object, backend: str | None) -> Backend:
    if backend is not None:
        return backends.get(backend)()
    first, *others = _claims(path)
    if others:
        warnings.warn(
            f"the suffix {Path(str(path)).suffix!r} is claimed by the backends {', '.join((first, *others))}; {first} "
            f"is used: choose one with backend=...",
            PluginWarning,
            stacklevel=3,
        )
    return backends.get(first)()
