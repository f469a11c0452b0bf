"""What a backend must do. The docstrings are the contract; :class:`neutone.testing.BackendContract` checks it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from neutone.model.check_result import CheckResult
from neutone.model.contract import Model, ModelSummary
from neutone.plugins.plugin import Plugin


class Backend(Plugin):
    """One inference runtime. Heavy imports belong into :meth:`load`, so that listing plug-ins stays cheap and works
    without the extra."""

    suffixes: ClassVar[tuple[str, ...]]
    """Lower-case file suffixes, with the dot, that :func:`neutone.load` gives to this backend."""
    runs_code: ClassVar[bool] = False
    """Whether a file is a program that :meth:`load` runs. One that neutone has fetched is then opened only if the user
    trusts it."""

    @abstractmethod
    def load(self, path: str | Path, **options: Any) -> Model:
        """The model in a file (or whatever ``path`` names to this backend). Raises
        :class:`~neutone.errors.ModelFileError` where the file is not one, :class:`FileNotFoundError` where there is
        none, :class:`~neutone.errors.MissingExtraError` where the runtime is not installed, and
        :class:`~neutone.errors.ConfigurationError` for options that it does not know."""

    def inspect(self, path: str | Path, **options: Any) -> ModelSummary:
        """What the file says of itself: for ``neutone info``. Options and errors are those of :meth:`load`.

        A backend whose :meth:`load` runs code of the file, or takes long, overrides this and runs nothing. By default
        the model is loaded.
        """
        return ModelSummary.of(self.load(path, **options))

    def check(self, path: Path) -> Iterator[CheckResult]:
        """Look at a file that :meth:`load` takes, for ``neutone validate`` and exporters: metadata, layout, and what
        else its format promises. How the model runs in an engine is checked for all formats alike, and need not be
        looked at here. By default there is nothing to check.

        >>> import neutone
        >>> from neutone.plugins import backends
        >>> [check.name for check in backends.get("onnx")().check(neutone.default_model())]
        ['metadata', 'inputs and outputs']
        """
        return iter(())
