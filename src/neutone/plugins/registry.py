"""Find plug-ins. Entry points are read once; each plug-in is imported when it is first used."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from neutone.errors import PluginWarning, UnknownPluginError
from neutone.installing import install_command
from neutone.plugins.backend import Backend
from neutone.plugins.exporter import Exporter
from neutone.plugins.host import Host
from neutone.plugins.plugin import Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

AnyPlugin = TypeVar("AnyPlugin", bound=Plugin)

EXTRAS = {
    "jack": "neutone[jack]",
    "onnx": "neutone[onnx]",
    "portaudio": "neutone[portaudio]",
    "python": "neutone[torch]",
    "torchscript": "neutone[torch]",
}


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One installed plug-in, as ``neutone plugins`` lists it.

    Attributes:
        group: The entry-point group, such as ``neutone.backends``.
        name: The name of the plug-in.
        target: The entry point's value, such as ``my_package:MyBackend``.
        distribution: The distribution that installed it.
        version: The version of the distribution.
        error: The reason why the plug-in cannot be used, or None if it can.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str
    error: str | None = None


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    if entry.dist is None:
        return "unknown", ""
    return entry.dist.name, entry.dist.version


def _check_declaration(plugin: type) -> None:
    """Raise :class:`TypeError` unless a plug-in class defines what is read from it before it is used.

    ``suffixes = (".a")`` is a common mistake: it is a string, and every string contains an empty suffix."""
    missing = sorted(getattr(plugin, "__abstractmethods__", ()))
    if missing:
        raise TypeError(f"{plugin.__name__} does not define {', '.join(missing)}")
    if issubclass(plugin, Plugin):
        _check_names(plugin, "requires", r"\w+", "a tuple of packages such as ('onnxruntime',)")
    if issubclass(plugin, Exporter):
        _check_names(plugin, "options", r"\w+", "a tuple of names such as ('strict',)")
        suffix = getattr(plugin, "suffix", None)
        if not (isinstance(suffix, str) and re.fullmatch(r"\.[a-z0-9][a-z0-9._-]*", suffix)):
            raise TypeError(f"{plugin.__name__}.suffix is {suffix!r}, expected one such as '.onnx'")
    if issubclass(plugin, Backend):
        suffixes = getattr(plugin, "suffixes", None)
        if not isinstance(suffixes, tuple) or not all(isinstance(s, str) and s.startswith(".") for s in suffixes):
            raise TypeError(f"{plugin.__name__}.suffixes is {suffixes!r}, expected a tuple such as ('.onnx',)")


def _check_names(plugin: type, attribute: str, pattern: str, expected: str) -> None:
    names = getattr(plugin, attribute)
    if not (isinstance(names, tuple) and all(isinstance(n, str) and re.fullmatch(pattern, n) for n in names)):
        raise TypeError(f"{plugin.__name__}.{attribute} is {names!r}, expected {expected}")


class Registry(Generic[AnyPlugin]):
    """The plug-ins of one entry-point group.

    A plug-in that fails to import causes a :class:`~neutone.errors.PluginWarning` and never hides the others. If two
    have the same name, the first is used, and the warning names both distributions.

    >>> "onnx" in backends.names()
    True
    """

    def __init__(self, group: str, base: type[AnyPlugin]) -> None:
        self.group = group
        self._base = base
        self._lock = threading.RLock()
        self._entries: dict[str, EntryPoint] | None = None
        self._classes: dict[str, type[AnyPlugin]] = {}
        self._broken: dict[str, str] = {}

    def refresh(self) -> None:
        """Forget all plug-ins that were found. Call it after installing a distribution in a running process."""
        with self._lock:
            self._entries = None
            self._classes.clear()
            self._broken.clear()

    def names(self) -> list[str]:
        """Return the sorted names of the installed plug-ins, usable or not."""
        return sorted(self._found())

    def get(self, name: str) -> type[AnyPlugin]:
        """Return the plug-in class of this name.
        Raises :class:`~neutone.errors.UnknownPluginError`, which lists what is installed and says what to install."""
        with self._lock:
            found = self._found()
            if name not in found:
                raise UnknownPluginError(self._unknown(name))
            if name in self._broken:
                raise UnknownPluginError(f"the plug-in {name!r} of {self.group} is broken: {self._broken[name]}")
            if name not in self._classes:
                self._load(name, found[name])
            if name in self._broken:
                raise UnknownPluginError(f"the plug-in {name!r} of {self.group} is broken: {self._broken[name]}")
            return self._classes[name]

    def all(self) -> Iterator[tuple[str, type[AnyPlugin]]]:
        """Yield the name and class of every usable plug-in. Broken ones are skipped with a warning."""
        for name in self.names():
            try:
                yield name, self.get(name)
            except UnknownPluginError:
                continue

    def describe(self) -> list[PluginInfo]:
        """Return one entry per installed plug-in. Each is imported, to see whether it works."""
        usable = dict(self.all())
        lines = []
        for name, entry in sorted(self._found().items()):
            distribution, version = _distribution(entry)
            error = None if name in usable else self._broken.get(name)
            lines.append(PluginInfo(self.group, name, entry.value, distribution, version, error))
        return lines

    def _found(self) -> dict[str, EntryPoint]:
        with self._lock:
            if self._entries is None:
                self._entries = self._discover()
            return self._entries

    def _discover(self) -> dict[str, EntryPoint]:
        from importlib.metadata import entry_points  # slow to import, and not needed to process audio

        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=self.group):
            first = found.setdefault(entry.name, entry)
            # The same distribution on two paths (an editable install and a build) is not a conflict.
            if first is not entry and (first.value, _distribution(first)[0]) != (entry.value, _distribution(entry)[0]):
                warnings.warn(
                    f"two plug-ins of {self.group} are named {entry.name!r}: {first.value} of "
                    f"{_distribution(first)[0]}, which is used, and {entry.value} of {_distribution(entry)[0]}",
                    PluginWarning,
                    stacklevel=4,
                )
        return found

    def _load(self, name: str, entry: EntryPoint) -> None:
        try:
            plugin = entry.load()
            if not (isinstance(plugin, type) and issubclass(plugin, self._base)):
                raise TypeError(f"{entry.value} is not a subclass of neutone.plugins.{self._base.__name__}")
            _check_declaration(plugin)
        except (Exception, SystemExit) as error:  # a third party's failing import must not affect the other plug-ins
            self._broken[name] = f"{type(error).__name__}: {error}"
            warnings.warn(
                f"the plug-in {name!r} of {self.group} ({_distribution(entry)[0]}) cannot be used: "
                f"{self._broken[name]}",
                PluginWarning,
                stacklevel=3,
            )
            return
        self._classes[name] = plugin

    def _unknown(self, name: str) -> str:
        installed = ", ".join(self.names()) or "none"
        advice = f"; install it with: {install_command(EXTRAS[name])}" if name in EXTRAS else ""
        return f"no plug-in {name!r} in {self.group}; installed: {installed}{advice}"


backends: Registry[Backend] = Registry("neutone.backends", Backend)  # type: ignore[type-abstract]
hosts: Registry[Host] = Registry("neutone.hosts", Host)  # type: ignore[type-abstract]
exporters: Registry[Exporter] = Registry("neutone.exporters", Exporter)  # type: ignore[type-abstract]
