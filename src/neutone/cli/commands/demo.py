"""``neutone demo``: hear the shipped amp, see what it did, and how fast and how late it is."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neutone.cli.options import SHIPPED_MODEL, BackendName, LoadOptions, TrustFlag, open_model
from neutone.cli.terminal import cell, new_table, output, print_line, progress_bar, remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from neutone.checks.timing import Timing
    from neutone.engine.engine import Parameters
    from neutone.plugins import Model

    Array = NDArray[np.float32]

__all__ = ["demo"]

AMP_SETTINGS = {
    "clean": {"drive": 0.1, "tone": 0.8},
    "crunch": {"drive": 0.45, "tone": 0.6},
    "lead": {"drive": 0.85, "tone": 0.55},
}
HOST_BLOCK = 128
OTHER_HOSTS = ((44_100, 128), (96_000, 256))
MEASURED_SECONDS = 0.5


@dataclass(frozen=True)
class Take:
    """The phrase at one setting."""

    name: str
    setting: str
    """in words"""
    audio: Array
    seconds: float | None = None
    """compute time; None for the dry phrase"""
    curve: Array | None = None
    """what moved over the phrase, 0..1"""
    curve_name: str = ""


def demo(
    output_folder: Annotated[Path, typer.Option("--output", help="Where the files go.")] = Path("neutone-demo"),
    model_name: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="Another model file to play the phrase through.")
    ] = SHIPPED_MODEL,
    rate: Annotated[int, typer.Option(help="Sample rate of the phrase and of the host, Hz.")] = 48_000,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
) -> None:
    """Play a guitar phrase through the amp that comes with neutone: WAV files, a picture, speed and latency."""
    from neutone.rendering.files import write_audio

    model = open_model(model_name, backend, options, trust)
    phrase = _read_phrase(rate)
    output_folder.mkdir(parents=True, exist_ok=True)
    takes = _render_takes(model, phrase, rate)
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


# -- sound -------------------------------------------------------------------------------------------------------------


def _read_phrase(rate: int) -> Array:
    """The shipped phrase, (1, frames), at a rate in Hz."""
    import soundfile

    from neutone.plugins.loading import ASSETS

    audio, phrase_rate = soundfile.read(ASSETS / "phrase.flac", dtype="float32", always_2d=True)
    return _resampled(audio.T.copy(), phrase_rate, rate)


def _resampled(audio: Array, rate_in: int, rate_out: int) -> Array:
    import numpy as np

    from neutone import Resampler

    if rate_in == rate_out:
        return audio
    resampler = Resampler(rate_in, rate_out, taps=128, channels=len(audio))
    fed = np.pad(audio, ((0, 0), (0, resampler.lookahead)))
    return np.ascontiguousarray(resampler.process(fed))


def _render_takes(model: Model, phrase: Array, rate: int) -> list[Take]:
    import numpy as np

    from neutone import render

    frames = phrase.shape[1]
    plans: list[tuple[str, str, Parameters | None, Array | None]] = []
    names = [parameter.name for parameter in model.metadata.parameters]
    if set(names) == set(AMP_SETTINGS["clean"]):
        for name, values in AMP_SETTINGS.items():
            words = ", ".join(f"{parameter} {value:g}" for parameter, value in values.items())
            plans.append((name, words, values, None))
    else:
        plans.append(("default", "as the model comes", None, None))
    if names:
        curves = np.repeat([[p.default_unit] for p in model.metadata.parameters], frames, axis=1).astype(np.float32)
        curves[0] = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, frames))
        lowest, highest = (_in_words(model.metadata.parameters[0].from_unit(unit)) for unit in (0.0, 1.0))
        plans.append(("sweep", f"{names[0]} from {lowest} to {highest}", curves, curves[0]))
    takes = [Take("dry", "what goes in", phrase)]
    with progress_bar() as progress:
        for name, words, parameters, curve in plans:
            task = progress.add_task(f"{name:8}", total=1.0)
            start = clock.perf_counter()
            audio = render(
                model,
                phrase,
                rate,
                params=parameters,
                progress=_mover(progress, task),
            )
            takes.append(Take(name, words, audio, clock.perf_counter() - start, curve, names[0] if names else ""))
    return takes


def _mover(progress: Progress, task: TaskID) -> Callable[[float], None]:
    return lambda done: progress.update(task, completed=done)


def _in_words(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _time_phrase(model: Model, phrase: Array, rate: int, host_rate: int, block: int) -> Timing:
    from neutone.checks.timing import time_blocks

    return time_blocks(model, _resampled(phrase, rate, host_rate), host_rate, block, MEASURED_SECONDS)


# -- what is shown -----------------------------------------------------------------------------------------------------


def _draw(takes: list[Take], rate: int, model_name: str, path: Path) -> bool:
    try:
        from neutone.cli.commands.picture import Panel, draw
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        remark('no picture, for matplotlib is not installed: pip install "neutone[plot]"')
        return False
    panels = [Panel(take.name, take.setting, take.audio[0], take.curve, take.curve_name) for take in takes]
    draw(panels, rate, f"neutone demo: a guitar phrase through {model_name}", path)
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
    """Peak and RMS in dBFS."""
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
