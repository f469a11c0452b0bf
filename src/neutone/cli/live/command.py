"""``neutone live``: process live audio."""

from __future__ import annotations

import threading
import time as clock
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli.errors import EXIT_ERROR
from neutone.cli.interruption import set_instead_of_raising
from neutone.cli.options import (
    BackendName,
    LoadOptions,
    ModelName,
    TrustFlag,
    open_model,
    read_parameters,
    split_pairs,
    typed,
)
from neutone.cli.terminal import complain, notes, print_json, print_line, remark
from neutone.errors import ConfigurationError

if TYPE_CHECKING:
    from neutone.plugins import LiveHost, Model

DISPLAY_SECONDS = 0.08


def live(
    model_name: ModelName,
    host_name: Annotated[str, typer.Option("--host", help="jack, portaudio, or another installed live host.")] = "jack",
    connect: Annotated[
        bool, typer.Option("--connect", help="JACK: connect to the sound card's first inputs and outputs.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="JACK: the client's name; neutone by default.")] = None,
    server: Annotated[str | None, typer.Option(help="JACK: the server's name.")] = None,
    device: Annotated[
        str | None, typer.Option(help="PortAudio: a device's name or number, see neutone devices.")
    ] = None,
    sample_rate: Annotated[int | None, typer.Option("--rate", help="PortAudio: the sample rate in Hz.")] = None,
    block_size: Annotated[int | None, typer.Option("--block", help="PortAudio: the block size in frames.")] = None,
    channels: Annotated[
        int | None, typer.Option(help="Channels in and out; by default as many as the model has.")
    ] = None,
    slack: Annotated[
        int, typer.Option(help="Host blocks that the model has to compute its output; 0 runs it in the audio callback.")
    ] = 1,
    late: Annotated[str, typer.Option(help="What is heard if the model is late: silence, dry or repeat.")] = "silence",
    parameters: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter's value; repeatable.")
    ] = None,
    controllers: Annotated[
        list[str] | None,
        typer.Option("--cc", metavar="NUMBER=NAME", help="JACK: a MIDI controller moves a parameter; repeatable."),
    ] = None,
    host_options: Annotated[
        list[str] | None,
        typer.Option("--host-option", metavar="KEY=VALUE", help="An option of another host's open(); repeatable."),
    ] = None,
    duration: Annotated[float | None, typer.Option(min=0.0, help="Stop after this many seconds.")] = None,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="No display; one JSON object at the end, with latency, xruns, load, ...")
    ] = False,
) -> None:
    """Process live audio with a model, until q, Ctrl-C, or the audio server goes away.

    On a terminal it shows levels, load, latency and parameters, and can be controlled with keys.

    --cc 1=drive lets MIDI controller 1 move the parameter drive.
    """
    given = {
        "connect": connect or None,
        "name": name,
        "server": server,
        "device": device,
        "sample_rate": sample_rate,
        "block_size": block_size,
        "cc": _controllers(controllers),
    }
    given.update({key: typed(text) for key, text in split_pairs(host_options, "--host-option").items()})
    model = open_model(model_name, backend, options, trust)
    with set_instead_of_raising() as ended:
        host = _open_host(
            host_name, model, {key: value for key, value in given.items() if value is not None}, channels, slack, late
        )
        try:
            host.engine.parameters.update(read_parameters(parameters, host.engine.parameters))
            report = _run(host, host_name, ended, duration, as_json)
        finally:
            host.close()
    if as_json:
        print_json(report)
    else:
        from neutone.cli.live.report import report_lines

        for line in report_lines(report):
            print_line(line)
    if report["ended"] in ("error", "stopped"):
        complain(report["error"] or f"the host {host_name} has stopped by itself, and does not say why")
        raise typer.Exit(EXIT_ERROR)


def _controllers(items: list[str] | None) -> dict[int, str] | None:
    if not items:
        return None
    wanted = {}
    for number, parameter in split_pairs(items, "--cc", "NUMBER=NAME, e.g. 1=drive").items():
        if not number.isdecimal():
            raise ConfigurationError(f"--cc is {number + '=' + parameter!r}, expected NUMBER=NAME, e.g. 1=drive")
        wanted[int(number)] = parameter
    return wanted


def _open_host(
    host_name: str, model: Model, given: dict[str, Any], channels: int | None, slack: int, late: str
) -> LiveHost:
    import inspect

    from neutone.plugins import LiveHost, hosts

    plugin = hosts.get(host_name)
    if not issubclass(plugin, LiveHost):
        usable = [name for name, candidate in hosts.all() if issubclass(candidate, LiveHost)]
        raise ConfigurationError(
            f"--host is {host_name!r}, which has no live audio of its own; expected one of {', '.join(usable)}"
        )
    known = inspect.signature(plugin.open).parameters
    stray = sorted(set(given) - set(known))
    if stray:
        option = {"sample_rate": "rate", "block_size": "block"}.get(stray[0], stray[0])
        raise ConfigurationError(f"--{option} is not for the host {host_name!r}")
    return plugin.open(model, channels=channels, slack=slack, late=late, **given)


def _run(
    host: LiveHost, host_name: str, ended: threading.Event, duration: float | None, as_json: bool
) -> dict[str, Any]:
    from neutone.cli.live.report import live_report

    begun = clock.monotonic()
    deadline = None if duration is None else begun + duration
    with host:
        reason = _watch(host, host_name, ended, deadline, as_json)
        return live_report(host, host_name, clock.monotonic() - begun, reason)


def _watch(host: LiveHost, host_name: str, ended: threading.Event, deadline: float | None, as_json: bool) -> str:
    """Show the host until something ends the run. Returns what ended it."""
    from rich.live import Live

    from neutone.cli.live.controls import LiveControls
    from neutone.cli.live.display import LiveDisplay
    from neutone.cli.live.keyboard import Keyboard

    console = notes()
    shows = not as_json and console.is_terminal
    controls = LiveControls(host)
    display = LiveDisplay(host, host_name, controls)
    if not shows and not as_json:
        remark(
            f"{host.engine.model.metadata.model_name} on {host_name} {getattr(host, 'client_name', '')}".rstrip()
            + f", {host.engine.sample_rate} Hz, {host.engine.block_size} frames; Ctrl-C ends it"
        )
    with Keyboard() as keyboard, Live(console=console, auto_refresh=False, transient=True) as picture:
        while True:
            if ended.is_set():
                return "signal"
            if not host.running:
                return "error" if host.error is not None else "stopped"
            if deadline is not None and clock.monotonic() >= deadline:
                return "duration"
            if shows:
                for key in keyboard.pressed():
                    controls.press(key)
                if controls.quits:
                    return "key"
                picture.update(display.render(), refresh=True)
            left = DISPLAY_SECONDS if deadline is None else min(DISPLAY_SECONDS, deadline - clock.monotonic())
            ended.wait(max(left, 0.0))
