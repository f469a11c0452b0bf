"""``neutone doctor``: what this computer has for neutone, and how to get the rest."""

from __future__ import annotations

import ctypes.util
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from neutone.cli.options import JsonFlag
from neutone.cli.terminal import cell, new_table, output, print_json
from neutone.errors import in_words
from neutone.installing import install_command, packages_of

COLOURS = {"ok": "green", "missing": "yellow", "limited": "yellow", "broken": "red"}
FOR_DEVELOPERS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, its state (a key of ``COLOURS``), and what was found."""

    name: str
    state: str
    detail: str


def doctor(as_json: JsonFlag = False) -> None:
    """Show what neutone finds here: Python, kernels, runtimes, audio systems, real-time priority, missing extras."""
    findings = [*_basics(), *_extras(), *_plugins(), *_audio(), _priority()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    table = new_table()
    table.add_column("what", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("found", overflow="fold")
    for finding in findings:
        table.add_row(cell(finding.name), cell(finding.state, COLOURS[finding.state]), cell(finding.detail))
    output().print(table)


def _basics() -> Iterator[Finding]:
    from neutone._core import kernels_name

    yield Finding("neutone", "ok", f"{metadata.version('neutone')}, numpy {metadata.version('numpy')}")
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("kernels", "ok", kernels_name())


def _extras() -> Iterator[Finding]:
    for extra in metadata.metadata("neutone").get_all("Provides-Extra") or []:
        if extra in FOR_DEVELOPERS:
            continue
        requirement = f"neutone[{extra}]"
        versions, missing = [], []
        for package in packages_of(requirement):
            name = re.split(r"[^\w.-]", package)[0]
            try:
                versions.append(f"{name} {metadata.version(name)}")
            except metadata.PackageNotFoundError:
                missing.append(name)
        if missing:
            yield Finding(f"extra {extra}", "missing", f"{', '.join(missing)}: {install_command(requirement)}")
        else:
            yield Finding(f"extra {extra}", "ok", ", ".join(versions))


def _plugins() -> Iterator[Finding]:
    from neutone.plugins import Registry, backends, exporters, hosts

    registries: tuple[Registry[Any], ...] = (backends, hosts, exporters)
    for registry in registries:
        found = registry.describe()
        for plugin in found:
            if plugin.error:
                yield Finding(f"plug-in {plugin.name}", "broken", plugin.error)
        if found:
            names = ", ".join(plugin.name for plugin in found if not plugin.error)
            yield Finding(found[0].group.rpartition(".")[2], "ok", names)


def _audio() -> Iterator[Finding]:
    from neutone.plugins import hosts

    library = ctypes.util.find_library("jack")
    if library:
        yield Finding("JACK", "ok", f"{library}; neutone live --host jack needs a running server")
    else:
        yield Finding("JACK", "missing", "no libjack: install JACK, or PipeWire's replacement of it (pipewire-jack)")
    try:
        plugin: Any = hosts.get("portaudio")
        devices = plugin.devices()
    except Exception as error:  # no package, no library, or whatever PortAudio says
        yield Finding("PortAudio", "missing", in_words(error))
    else:
        state = "ok" if devices else "limited"
        yield Finding("PortAudio", state, f"{len(devices)} devices (neutone devices lists them)")


def _priority() -> Finding:
    name = "real-time priority"
    if sys.platform == "win32":
        return Finding(name, "ok", "given by the audio system")
    import resource

    if not hasattr(resource, "RLIMIT_RTPRIO"):  # macOS gives it to audio threads
        return Finding(name, "ok", "given by the audio system")
    soft, hard = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if soft == resource.RLIM_INFINITY or soft > 0:
        most = "any" if soft == resource.RLIM_INFINITY else f"up to {soft}"
        return Finding(name, "ok", f"{most} permitted (ulimit -r)")
    hint = "audio may drop out under load: permit it for your group in /etc/security/limits.conf (@audio - rtprio 95)"
    return Finding(name, "limited", f"none permitted (hard limit {hard}); {hint}")
