"""``neutone plugins``: which backends, hosts and exporters are installed, and whether they work."""

from __future__ import annotations

import warnings
from typing import Any

from neutone.cli.options import JsonFlag
from neutone.cli.terminal import cell, new_table, output, print_json, print_line
from neutone.errors import PluginWarning
from neutone.installing import install_command

ROOMY = 100
"""The width in characters from which the table with all columns is readable."""


def plugins(as_json: JsonFlag = False) -> None:
    """List the installed backends, hosts and exporters: what they need, and why a broken one is broken."""
    lines = _describe()
    if as_json:
        print_json(lines)
        return
    if output().width < ROOMY:
        _show_narrow(lines)
        return
    table = new_table()
    for heading in ("group", "name", "suffixes", "distribution", "version", "status"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        suffixes = " ".join(line["suffixes"])
        texts = (line["group"], line["name"], suffixes, line["distribution"], line["version"])
        table.add_row(*(cell(text) for text in texts), cell(*_status(line)))
    output().print(table)


def _show_narrow(lines: list[dict[str, Any]]) -> None:
    """Show the table without the reasons, and each reason in a line of its own below it."""
    table = new_table()
    for heading in ("kind", "name", "from", "status"):
        table.add_column(heading, no_wrap=heading != "from", overflow="fold")
    reasons = []
    for line in lines:
        status, style = _status(line)
        word = status.split(maxsplit=1)[0].rstrip(":")
        if word != "ok":
            reasons.append(f"{line['name']} {status}")
        kind = line["group"].rpartition(".")[2]
        table.add_row(
            *(cell(text) for text in (kind, line["name"], f"{line['distribution']} {line['version']}")),
            cell(word, style),
        )
    output().print(table)
    for reason in reasons:
        print_line(reason)


def _status(line: dict[str, Any]) -> tuple[str, str]:
    """Return the state of a plug-in, and the colour to show it in."""
    if line["error"]:
        return f"broken: {line['error']}", "red"
    if line["missing"]:
        return f"needs {', '.join(line['missing'])}: {install_command(line['extra'])}", "yellow"
    return "ok", "green"


def _describe() -> list[dict[str, Any]]:
    from neutone.plugins import Registry, backends, exporters, hosts

    groups: tuple[Registry[Any], ...] = (backends, hosts, exporters)
    lines: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        # The table shows broken plug-ins; only a warning about two plug-ins of one name is news.
        warnings.filterwarnings("ignore", message=".*cannot be used", category=PluginWarning)
        for registry in groups:
            for plugin in registry.describe():
                used = None if plugin.error else registry.get(plugin.name)
                suffixes = getattr(used, "suffixes", None) or [getattr(used, "suffix", "")]
                lines.append(
                    {
                        "group": plugin.group,
                        "name": plugin.name,
                        "suffixes": [suffix for suffix in suffixes if suffix],
                        "target": plugin.target,
                        "distribution": plugin.distribution,
                        "version": plugin.version,
                        "requires": list(used.requires) if used else [],
                        "missing": used.missing() if used else [],
                        "extra": used.extra if used else "",
                        "error": plugin.error,
                    }
                )
    return lines
