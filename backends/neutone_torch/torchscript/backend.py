"""The plug-in: loads a model from a TorchScript file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from neutone.errors import ConfigurationError, ModelFileError, first_line
from neutone.limits import MAX_BUFFER_SIZE, MAX_CHANNELS, MAX_DELAY, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from neutone.model.archive import METADATA_FILE, read_archive_metadata
from neutone.plugins import Backend, CheckResult, Model, ModelSummary, integer_option, refuse_unknown_options
from neutone_torch.runtime import Inference, open_archive, require_torch
from neutone_torch.torchscript.model import TorchScriptModel
from neutone_torch.torchscript.plain import plain_metadata, read_plain
from neutone_torch.torchscript.wrapped import read_delay, read_description, read_wrapped

OPTIONS = ("sample_rate", "block_size", "channels", "threads", "model_delay")


@dataclass(frozen=True)
class Options:
    """The checked options of :meth:`TorchScriptBackend.load`."""

    threads: int
    sample_rate: int | None
    block_size: int | None
    channels: int | None
    model_delay: int | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        refuse_unknown_options(TorchScriptBackend.name, given, OPTIONS)
        return cls(
            integer_option(given, "threads", 1, 1024) or 1,
            integer_option(given, "sample_rate", MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
            integer_option(given, "block_size", 1, MAX_BUFFER_SIZE),
            integer_option(given, "channels", 1, MAX_CHANNELS),
            integer_option(given, "model_delay", 0, MAX_DELAY),
        )


class TorchScriptBackend(Backend):
    """The backend ``torchscript``. Options of :meth:`load`:

    - ``threads``: how many threads PyTorch uses while a block runs, 1 by default. PyTorch's thread count belongs to the
      process. It is set around each block and restored, so the rest of the program keeps its own.
    - ``sample_rate`` (Hz), ``block_size`` (frames): the only ones at which to run the model. A ``.nm`` file must
      support
      them; by default its metadata decides. Other files by default take the host's rate and any block.
    - ``channels``: the number of channels that the module takes; not for ``.nm`` files. By default 2 if the module runs
      on
      two, otherwise 1.
    - ``model_delay``: the delay of the output in frames at the model's rate. By default what a ``.nm`` file reports,
      otherwise 0.

    Each session copies the module, including its weights, because a TorchScript model may change any of it.
    """

    name: ClassVar[str] = "torchscript"
    requires: ClassVar[tuple[str, ...]] = ("torch",)
    extra: ClassVar[str] = "neutone[torch]"
    suffixes: ClassVar[tuple[str, ...]] = (".nm", ".ts", ".pt", ".pth")
    runs_code: ClassVar[bool] = True

    def load(self, path: str | Path, **options: Any) -> Model:
        given = Options.of(options)
        path = _existing(path)
        torch = require_torch()
        model_delay = given.model_delay
        with Inference(torch, given.threads):
            module, text = open_archive(path)
            if _is_wrapped(text, path, given):
                program = read_wrapped(module, text, path, given.sample_rate, given.block_size)
                if model_delay is None:
                    try:
                        model_delay = read_delay(program)
                    except Exception as error:  # torch.jit.Error, RuntimeError, or anything that the module raises
                        raise ModelFileError(f"{path}: the model cannot be prepared: {first_line(error)}") from error
            else:
                program = read_plain(module, path, given.sample_rate, given.block_size, given.channels)
        return TorchScriptModel(program, model_delay or 0, given.model_delay is not None, given.threads, path.name)

    def inspect(self, path: str | Path, **options: Any) -> ModelSummary:
        """Return what the archive's metadata.json says.
        None of the archive's code is run, and PyTorch is not needed."""
        given = Options.of(options)
        path = _existing(path)
        text = read_archive_metadata(path) or b""
        if _is_wrapped(text, path, given):
            metadata = read_description(text, path, given.sample_rate, given.block_size)
            channels = (1 if metadata.is_input_mono else 2), (1 if metadata.is_output_mono else 2)
            return ModelSummary(metadata, *channels, given.model_delay)
        metadata = plain_metadata(path, given.sample_rate, given.block_size)
        return ModelSummary(metadata, given.channels, None, given.model_delay or 0)

    def check(self, path: Path) -> Iterator[CheckResult]:
        """Check a ``.nm`` file the way hosts without neutone use it.
        Other archives promise nothing that could be checked."""
        if not read_archive_metadata(path):
            return
        from neutone.sdk.export.nm.checks import NmChecks
        from neutone.sdk.export.nm.save import load_neutone_model

        checks = NmChecks(lambda: load_neutone_model(path)[0])
        yield from checks.run(load_neutone_model(path)[1], tolerant=True)


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    return path


def _is_wrapped(text: bytes, path: Path, given: Options) -> bool:
    """Return whether an archive with this metadata.json (empty for none) is a ``.nm`` file, whatever its suffix."""
    if text and given.channels is not None:
        raise ConfigurationError(f"{path.name} declares its own channels: leave the option out")
    if not text and path.suffix.lower() == ".nm":
        raise ModelFileError(
            f"{path} is TorchScript, but has no {METADATA_FILE} inside, as .nm files have; for a plain module use the "
            f"suffix .ts"
        )
    return bool(text)
