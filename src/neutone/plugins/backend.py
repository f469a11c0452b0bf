"""The interface of a backend. The docstrings are the contract; :class:`neutone.testing.BackendContract` tests it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from neutone.model.check_result import CheckResult
from neutone.model.contract import Model, ModelSummary
from neutone.plugins.plugin import Plugin


class Backend(Plugin):
    """An inference runtime. Import heavy packages inside :meth:`load`, so that listing plug-ins is fast and works even
    if the extra is not installed.

    Attributes:
        name, requires, extra: As in :class:`Plugin`.
        suffixes: The lower-case file suffixes, with the dot, of the files that :func:`neutone.load` gives to this
            backend.
        runs_code: Whether a file is a program that :meth:`load` runs. If so, a file that neutone has fetched is opened
            only if the user trusts it.
    """

    suffixes: ClassVar[tuple[str, ...]]
    runs_code: ClassVar[bool] = False

    @abstractmethod
    def load(self, path: str | Path, **options: Any) -> Model:
        """Load a model.

        Args:
            path: The model file. For a backend without files it is something else, such as the name of a class.
            options: The backend's own options. A backend documents them in its class.

        Raises:
            FileNotFoundError: There is no such file.
            neutone.errors.ModelFileError: The file is not a model that this backend can run.
            neutone.errors.MissingExtraError: The runtime is not installed.
            neutone.errors.ConfigurationError: An option is unknown, or its value is not valid.
        """

    def inspect(self, path: str | Path, **options: Any) -> ModelSummary:
        """Return what the file says about its model, for ``neutone info``. Arguments and errors are those of
        :meth:`load`.

        By default this loads the model. Override it if :meth:`load` takes long, or runs code from the file: this method
        must not run any of that code.
        """
        return ModelSummary.of(self.load(path, **options))

    def check(self, path: Path) -> Iterator[CheckResult]:
        """Check a file that :meth:`load` accepts, for ``neutone validate`` and for exporters.

        Yield a result for the metadata, the layout, and anything else that the file format promises. By default there
        are no checks. Whether the model runs in an engine is checked elsewhere, in the same way for all formats.

        >>> import neutone
        >>> from neutone.plugins import backends
        >>> [check.name for check in backends.get("onnx")().check(neutone.default_model())]
        ['metadata', 'inputs and outputs']
        """
        return iter(())
