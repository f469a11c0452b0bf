"""The app that combines all commands, and the options that they share."""

from __future__ import annotations

from typing import Annotated

import typer

import neutone
from neutone.cli.commands.bench import bench
from neutone.cli.commands.convert import convert
from neutone.cli.commands.devices import devices
from neutone.cli.commands.doctor import doctor
from neutone.cli.commands.export import export
from neutone.cli.commands.info import info
from neutone.cli.commands.play import play
from neutone.cli.commands.plugins import plugins
from neutone.cli.commands.port import port
from neutone.cli.commands.render import render
from neutone.cli.commands.validate import validate
from neutone.cli.demo.command import demo
from neutone.cli.errors import one_line_errors, traceback_wanted
from neutone.cli.live.command import live

app = typer.Typer(
    name="neutone",
    help="Run neural audio models: play the demo, render files, process live audio, inspect and time models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"neutone {neutone.__version__}")
        raise typer.Exit


@app.callback()
def shared_options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    traceback_wanted.set(debug)


for command in (demo, info, render, play, live, devices, plugins, doctor, bench, export, port, convert, validate):
    app.command()(one_line_errors(command))
