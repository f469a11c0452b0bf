"""What backends, hosts and exporters have in common."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar


class Plugin(ABC):
    """A class that an entry point names."""

    name: ClassVar[str]
    """The name that users choose it by, the same as the entry point's."""
    requires: ClassVar[tuple[str, ...]] = ()
    """The Python packages that it imports where they are first used, such as ``("onnxruntime",)``."""
    extra: ClassVar[str] = ""
    """The argument of ``pip install`` that brings them, such as ``"neutone[onnx]"``."""

    @classmethod
    def missing(cls) -> list[str]:
        """The names in :attr:`requires` that are not installed. Nothing is imported.

        >>> class Sparkles(Plugin):
        ...     name, requires = "sparkles", ("math", "sparkles_runtime")
        >>> Sparkles.missing()
        ['sparkles_runtime']
        """
        from importlib.util import find_spec

        return [package for package in cls.requires if find_spec(package) is None]
