"""``neutone devices``: the sound cards for live audio."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli.options import JsonFlag
from neutone.cli.terminal import cell, new_table, output, print_json, remark
from neutone.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.table import Table


def devices(
    host_name: Annotated[str, typer.Option("--host", help="A host that has devices to choose from.")] = "portaudio",
    as_json: JsonFlag = False,
) -> None:
    """List the sound cards that neutone live --host portaudio can use."""
    from neutone.plugins import hosts

    plugin: Any = hosts.get(host_name)
    if not hasattr(plugin, "devices"):
        raise ConfigurationError(f"--host is {host_name!r}, which has no devices to choose from; expected portaudio")
    found = [asdict(device) for device in plugin.devices()]
    if as_json:
        print_json(found)
    elif found:
        output().print(_table(found))
    else:
        remark(f"{host_name} finds no devices")


def _table(found: list[dict[str, Any]]) -> Table:
    table = new_table()
    table.add_column("number", justify="right", no_wrap=True)
    for heading in ("name", "host API"):
        table.add_column(heading, overflow="fold")
    for heading in ("in", "out", "Hz"):
        table.add_column(heading, justify="right", no_wrap=True)
    for device in found:
        numbers = (str(device[key]) for key in ("input_channels", "output_channels", "sample_rate"))
        table.add_row(str(device["index"]), cell(device["name"]), cell(device["host_api"]), *numbers)
    return table
