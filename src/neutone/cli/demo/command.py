"""``neutone demo``: render a phrase through the amp that comes with neutone, and show its picture, speed and
latency."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neutone.cli.demo.takes import Take, read_phrase, render_takes, resampled
from neutone.cli.options import SHIPPED_MODEL, BackendName, LoadOptions, TrustFlag, open_model
from neutone.cli.terminal import cell, new_table, output, print_line, remark
from neutone.errors import ConfigurationError
from neutone.installing import install_command

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from neutone.checks.timing import Timing
    from neutone.plugins import Model

    Array = NDArray[np.float32]

HOST_BLOCK = 128
OTHER_HOSTS = ((44_100, 128), (96_000, 256))
MEASURED_SECONDS = 0.5
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".aiff")


def demo(
    output_folder: Annotated[Path, typer.Option("--output", help="The folder for the files.")] = Path("neutone-demo"),
    model_name: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="Another model file to play the phrase through.")
    ] = SHIPPED_MODEL,
    rate: Annotated[
        int, typer.Option(min=1000, max=768_000, help="Sample rate of the phrase and of the host, in Hz.")
    ] = 48_000,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
) -> None:
    """Play a guitar phrase through the amp that comes with neutone: WAV files, a picture, speed and latency."""
    from neutone.rendering.files import write_audio

    _check_folder(output_folder, options)
    model = open_model(model_name, backend, options, trust)
    phrase = read_phrase(rate)
    output_folder.mkdir(parents=True, exist_ok=True)
    takes = render_takes(model, phrase, rate)
    for take in takes:
        write_audio(output_folder / f"{take.name}.wav", take.audio, rate)
    hosts = [(rate, HOST_BLOCK), *((other, block) for other, block in OTHER_HOSTS if other != rate)]
    timings = [_time_phrase(model, phrase, rate, host, block) for host, block in hosts]
    has_picture = _draw(takes, rate, model.metadata.model_name, output_folder / "demo.png")
    console = output()
    console.print(_take_table(takes, rate))
    console.print()
    console.print(_timing_table(timings))
    print_line(f"listen: {output_folder}/{{{','.join(take.name for take in takes)}}}.wav")
    if has_picture:
        print_line(f"look:   {output_folder / 'demo.png'}")


def _check_folder(folder: Path, options: list[str] | None) -> None:
    """Raise :class:`~neutone.errors.ConfigurationError` if the files seem to be meant for somewhere else."""
    for option in options or ():
        if "=" not in option:
            raise ConfigurationError(
                f"-o is {option!r}, expected KEY=VALUE, an option of the backend; the folder is --output {option}"
            )
    if folder.is_file() or folder.suffix.lower() in AUDIO_SUFFIXES:
        raise ConfigurationError(f"--output is {str(folder)!r}, expected a folder: the demo writes several files")


def _time_phrase(model: Model, phrase: Array, rate: int, host_rate: int, block: int) -> Timing:
    from neutone.checks.timing import time_blocks

    return time_blocks(model, resampled(phrase, rate, host_rate), host_rate, block, MEASURED_SECONDS)


# -- output ------------------------------------------------------------------------------------------------------------


def _draw(takes: list[Take], rate: int, model_name: str, path: Path) -> bool:
    try:
        from neutone.cli.demo.picture import draw
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        remark(f"no picture, because matplotlib is not installed: {install_command('neutone[plot]')}")
        return False
    draw(takes, rate, f"neutone demo: a guitar phrase through {model_name}", path)
    return True


def _take_table(takes: list[Take], rate: int) -> Table:
    seconds = takes[0].audio.shape[1] / rate
    table = new_table(
        title=f"{seconds:g} s, mono, {rate} Hz",
        caption="Offline, in blocks of 2048 frames. RTF = compute time / audio time.",
    )
    for heading in ("take", "setting"):
        table.add_column(heading)
    for heading in ("peak\ndBFS", "RMS\ndBFS", "render\ns", "\nRTF", "times\nreal time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for take in takes:
        speed = ("", "", "")
        if take.seconds is not None:
            speed = (f"{take.seconds:.2f}", f"{take.seconds / seconds:.4f}", f"{seconds / take.seconds:.0f}")
        table.add_row(take.name, cell(take.setting), *_levels(take.audio), *speed)
    return table


def _levels(audio: Array) -> tuple[str, str]:
    """Return the peak and the RMS level in dBFS."""
    import numpy as np

    peak = float(np.max(np.abs(audio)))
    rms = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
    return _decibels(peak), _decibels(rms)


def _decibels(amplitude: float) -> str:
    return f"{20.0 * math.log10(amplitude):.1f}" if amplitude > 0.0 else "-inf"


def _timing_table(timings: list[Timing]) -> Table:
    from neutone.cli.tables import timing_table

    return timing_table(
        timings,
        title="Live, block by block, as a host would call it",
        caption="The latency is in frames of the host. 99 % of the blocks took no longer than the column says.",
    )
