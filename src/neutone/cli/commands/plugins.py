"""``neutone plugins``: which backends and hosts are installed, and whether they work."""

from __future__ import annotations

import warnings
from typing import Any

from neutone.cli.options import JsonFlag
from neutone.cli.terminal import cell, new_table, output, print_json
from neutone.errors import PluginWarning

__all__ = ["plugins"]


def plugins(as_json: JsonFlag = False) -> None:
    """List the installed backends and hosts, and why a broken one is broken."""
    lines = _describe()
    if as_json:
        print_json(lines)
        return
    table = new_table()
    for heading in ("group", "name", "suffixes", "distribution", "version", "status"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        suffixes = " ".join(line["suffixes"])
        texts = (line["group"], line["name"], suffixes, line["distribution"], line["version"])
        status = cell(f"broken: {line['error']}", "red") if line["error"] else cell("ok", "green")
        table.add_row(*(cell(text) for text in texts), status)
    output().print(table)


def _describe() -> list[dict[str, Any]]:
    from neutone.plugins import Registry, backends, hosts

    groups: tuple[Registry[Any], ...] = (backends, hosts)
    lines: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        # The table says it; only two plug-ins of one name are news.
        warnings.filterwarnings("ignore", message=".*cannot be used", category=PluginWarning)
        for registry in groups:
            for plugin in registry.describe():
                suffixes = [] if plugin.error else list(getattr(registry.get(plugin.name), "suffixes", ()))
                lines.append(
                    {
                        "group": plugin.group,
                        "name": plugin.name,
                        "suffixes": suffixes,
                        "target": plugin.target,
                        "distribution": plugin.distribution,
                        "version": plugin.version,
                        "error": plugin.error,
                    }
                )
    return lines
