"""The plug-in: from a file to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from neutone.errors import ConfigurationError, ModelFileError
from neutone.plugins import Backend, Model, integer_option, refuse_unknown_options
from neutone_torchscript.model import TorchScriptModel
from neutone_torchscript.plain import read_plain
from neutone_torchscript.runtime import METADATA_FILE, Inference, first_line, open_archive, require_torch
from neutone_torchscript.wrapped import read_delay, read_wrapped

__all__ = ["TorchScriptBackend"]

OPTIONS = ("sample_rate", "block_size", "channels", "threads", "model_delay")


class TorchScriptBackend(Backend):
    """Options of :meth:`load`:

    - ``threads``: of PyTorch while a block runs, 1 by default. PyTorch's thread count belongs to the process; it is set
      around each block and put back, so that the rest of the program keeps its own.
    - ``sample_rate`` (Hz), ``block_size`` (frames): at which to run the model, and no other. A ``.nm`` file must
      support them; left out, its metadata decides. Other files take the host's rate and any block where left out.
    - ``channels``: that the module takes; not for ``.nm`` files. Left out, 2 where it runs on two, else 1.
    - ``model_delay``: frames at the model's rate by which its output lags; left out, what a ``.nm`` file says, else 0.

    Each session copies the module, weights too, for TorchScript lets a model change any of it.
    """

    name: ClassVar[str] = "torchscript"
    suffixes: ClassVar[tuple[str, ...]] = (".nm", ".ts", ".pt", ".pth")

    def load(self, path: str | Path, **options: Any) -> Model:
        refuse_unknown_options(self.name, options, OPTIONS)
        threads = integer_option(options, "threads", 1, 1024) or 1
        sample_rate = integer_option(options, "sample_rate", 1000, 384_000)
        block_size = integer_option(options, "block_size", 1, 65_536)
        channels = integer_option(options, "channels", 1)
        given_delay = model_delay = integer_option(options, "model_delay", 0, 1 << 28)
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no model file {path}")
        torch = require_torch()
        with Inference(torch, threads):
            module, text = open_archive(path)
            if text:
                if channels is not None:
                    raise ConfigurationError(f"{path.name} states its own channels: leave the option out")
                program = read_wrapped(module, text, path, sample_rate, block_size)
                if model_delay is None:
                    try:
                        model_delay = read_delay(program)
                    except Exception as error:  # torch.jit.Error, RuntimeError and whatever the model raises
                        raise ModelFileError(f"{path}: the model cannot be made ready: {first_line(error)}") from error
            elif path.suffix.lower() == ".nm":
                raise ModelFileError(
                    f"{path} is TorchScript, but has no {METADATA_FILE} inside, as .nm files have; for a plain module "
                    f"use the suffix .ts"
                )
            else:
                program = read_plain(module, path, sample_rate, block_size, channels)
        return TorchScriptModel(program, model_delay or 0, given_delay is not None, threads, path.name)
