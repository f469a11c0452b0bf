"""The plug-in: makes a model from an instance or from the name of a class."""

from __future__ import annotations

from typing import Any, ClassVar

from neutone.errors import ConfigurationError
from neutone.plugins import Backend, Model, integer_option, refuse_unknown_options
from neutone_torch.eager.model import PythonModel

OPTIONS = ("checkpoint", "threads")


class PythonBackend(Backend):
    """The backend ``python``. Options of :meth:`load`:

    - ``checkpoint``: a file of weights that ``torch.save`` wrote; only if the model is given by name.
    - ``threads``: how many threads PyTorch uses while a block runs, 1 by default.

    The model is copied, so later changes of an instance do not affect it. Each session has its own copy, and checks
    every block if the instance is in debug mode.
    """

    name: ClassVar[str] = "python"
    requires: ClassVar[tuple[str, ...]] = ("torch",)
    extra: ClassVar[str] = "neutone[torch]"
    suffixes: ClassVar[tuple[str, ...]] = ()
    runs_code: ClassVar[bool] = True

    def load(self, path: object, **options: Any) -> Model:
        refuse_unknown_options(self.name, options, OPTIONS)
        threads = integer_option(options, "threads", 1) or 1
        from neutone.sdk.wrap.source import open_wrapper
        from neutone.sdk.wrap.waveform import WaveformToWaveformBase  # raises if torch is missing: says what to install

        if isinstance(path, WaveformToWaveformBase):
            if options.get("checkpoint") is not None:
                raise ConfigurationError("checkpoint is for models by name: load the weights into the instance")
            return PythonModel(path, threads)
        if not hasattr(path, "__fspath__") and not isinstance(path, str):
            raise ConfigurationError(
                f"a {type(path).__name__} is not a model, expected a WaveformToWaveformBase or a name such as "
                f"'my_model.py:MyWrapper'"
            )
        return PythonModel(open_wrapper(str(path), options.get("checkpoint")), threads)
