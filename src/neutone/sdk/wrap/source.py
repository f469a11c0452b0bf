"""Find wrapped models by name: ``package.module:Class`` or ``file.py:Class``."""

import hashlib
import importlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from neutone.errors import ConfigurationError, ModelFileError, NeutoneError
from neutone.model.trust import require_trust
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model")


def open_wrapper(name: str, checkpoint: str | Path | None = None) -> WaveformToWaveformBase:
    """Make the wrapped model that a name stands for.

    Args:
        name: ``module:Class`` or ``file.py:Class``. Instead of a class, the name may end in a model, or in a function
            without arguments that returns one. Modules are also searched in the current folder. A file's code is run
            anew each time.
        checkpoint: A file of weights to load into the model; see :func:`load_checkpoint`.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ModelFileError: The code or the checkpoint raised an error, or the name does not stand for a
            model.
        neutone.errors.ConfigurationError: The name has no class in it.
        neutone.errors.UntrustedFileError: The file was fetched, and is not trusted; see :func:`neutone.load`.
    """
    place, colon, attribute = name.rpartition(":")
    if not (colon and place and attribute.isidentifier()):
        raise ConfigurationError(f"{name!r} names no class, expected module:Class or file.py:Class")
    module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    try:
        found = getattr(module, attribute)
    except AttributeError:
        raise ModelFileError(f"{place} defines no {attribute!r}") from None
    model = found if isinstance(found, WaveformToWaveformBase) else _call(found, name)
    if not isinstance(model, WaveformToWaveformBase):
        raise ModelFileError(f"{name} is a {type(model).__name__}, expected a WaveformToWaveformBase")
    if checkpoint is not None:
        load_checkpoint(model, checkpoint)
    return model


def load_checkpoint(model: WaveformToWaveformBase, path: str | Path) -> None:
    """Load weights from a file that ``torch.save`` wrote. It holds a state dict, alone or under the key ``state_dict``,
    either of the wrapper or of the network ``model.model`` inside it.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ModelFileError: The file does not hold a state dict, or one of another model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's errors, RuntimeError, EOFError: depending on the file
        raise ModelFileError(
            f"{path} is not a checkpoint that torch.load(weights_only=True) can read: {error}"
        ) from error
    state = _state_dict(content)
    if state is None:
        raise ModelFileError(f"{path} holds a {type(content).__name__}, expected a state dict of tensors")
    own, network = set(model.state_dict()), set(model.model.state_dict())
    target: torch.nn.Module = model if len(own & set(state)) >= len(network & set(state)) else model.model
    try:
        target.load_state_dict(state)
    except RuntimeError as error:
        raise ModelFileError(f"{path} does not fit {type(model).__name__}: {error}") from error


def _state_dict(content: Any) -> Mapping[str, Any] | None:
    if not isinstance(content, Mapping):
        return None
    for key in CHECKPOINT_KEYS:
        if isinstance(content.get(key), Mapping):
            return _state_dict(content[key])
    return content if content and all(isinstance(value, Tensor) for value in content.values()) else None


def _call(factory: Any, name: str) -> Any:
    try:
        return factory()
    except NeutoneError:
        raise
    except (Exception, SystemExit) as error:  # anything that the author's code raises
        raise ModelFileError(
            f"{name} cannot be made without arguments ({type(error).__name__}: {error}); name a function that makes it"
        ) from error


@contextmanager
def _searched(folder: Path) -> Iterator[None]:
    """Make modules in the folder importable during the ``with`` block."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _import_module(name: str) -> ModuleType:
    try:
        with _searched(Path.cwd()):
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # anything that the author's code raises
        raise ModelFileError(f"the module {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"no Python file {path}")
    require_trust(path, False)
    # The name must be unique, because TorchScript looks up a class's source by its module's name.
    name = f"{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ModelFileError(f"{path} is not a Python file")
    linecache.checkcache(str(path.resolve()))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _searched(path.resolve().parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # anything that the author's code raises
        del sys.modules[name]
        raise ModelFileError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return module
