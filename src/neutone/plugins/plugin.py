"""What backends, hosts and exporters have in common."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar


class Plugin(ABC):
    """The base class of all plug-ins: a class that an entry point names.

    Attributes:
        name: The name by which users choose the plug-in. It equals the entry point's name.
        requires: The Python packages that the plug-in imports on first use, such as ``("onnxruntime",)``.
        extra: The argument of ``pip install`` that installs them, such as ``"neutone[onnx]"``.
    """

    name: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    @classmethod
    def missing(cls) -> list[str]:
        """Return the names in :attr:`requires` that are not installed. Nothing is imported.

        >>> class Sparkles(Plugin):
        ...     name, requires = "sparkles", ("math", "sparkles_runtime")
        >>> Sparkles.missing()
        ['sparkles_runtime']
        """
        from importlib.util import find_spec

        return [package for package in cls.requires if find_spec(package) is None]
