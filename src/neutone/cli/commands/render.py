"""``neutone render``: render audio files through a model."""

from __future__ import annotations

import os
import time as clock
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli import interruption
from neutone.cli.errors import EXIT_ERROR, explain, traceback_wanted
from neutone.cli.options import BackendName, LoadOptions, ModelName, TrustFlag, models_in, open_model
from neutone.cli.terminal import complain, print_line, print_traceback, progress_bar
from neutone.errors import AudioWarning

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from neutone.file_replacement import ProtectedFiles
    from neutone.plugins import Model
    from neutone.rendering.jobs import Job
    from neutone.rendering.options import RenderOptions


TYPICAL_RATE = 48_000


class Format(StrEnum):
    """The formats of the files in an output folder."""

    WAV = "wav"
    FLAC = "flac"


class Channels(StrEnum):
    """What a model with fewer channels than the file does."""

    MIX = "mix"
    DUAL = "dual"


def render(
    model_name: ModelName,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="IN", help="Audio files, and folders that are searched for them.")
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="A file if IN is one file, otherwise a folder, created if needed.")
    ],
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="A value in natural units, a label, or a ramp such as 0..1@2s; repeatable.",
        ),
    ] = None,
    curves: Annotated[
        list[str] | None,
        typer.Option(
            "--curve", metavar="NAME=FILE", help="A CSV file with lines SECONDS,VALUE, or a VALUE a frame; repeatable."
        ),
    ] = None,
    channels: Annotated[
        Channels, typer.Option(help="For a mono model: mix the channels, or run the model on each of them (dual).")
    ] = Channels.MIX,
    wet: Annotated[float | None, typer.Option(help="Level of the model's output, 0..1.")] = None,
    dry: Annotated[float | None, typer.Option(help="Level of the unprocessed input, 0..1.")] = None,
    input_gain: Annotated[float | None, typer.Option(help="Gain before the model, -30..30 dB.")] = None,
    output_gain: Annotated[float | None, typer.Option(help="Gain after the mix, -30..30 dB.")] = None,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="The format of the files in an output folder; by default IN's.")
    ] = None,
    block: Annotated[int, typer.Option(help="Frames per step.")] = 2048,
    resampler: Annotated[str, typer.Option(help="sinc, hermite or linear.")] = "sinc",
    taps: Annotated[int, typer.Option(help="Length of the sinc, 8..128.")] = 32,
    strict: Annotated[
        bool, typer.Option("--strict", help="Make warnings about lost audio (clipping, NaN, ...) errors.")
    ] = False,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
) -> None:
    """Render audio files through a model: same rate, length and channels, delay compensated.

    Existing results are replaced, but inputs never are. A file that fails does not stop the others.
    """
    from neutone.rendering.jobs import plan_jobs

    jobs = plan_jobs(
        inputs, output, None if file_format is None else f".{file_format.value}", map(Path, models_in(model_name))
    )
    model = open_model(model_name, backend, options, trust)
    settings: RenderOptions = {
        "channels": channels.value,
        "block_size": block,
        "resampler": resampler,
        "taps": taps,
        "wet": wet,
        "dry": dry,
        "input_gain_db": input_gain,
        "output_gain_db": output_gain,
    }
    settings["params"] = _check_settings(model, params, curves, settings)
    if strict:
        warnings.simplefilter("error", AudioWarning)  # one_line_errors restores the filters
    _render_jobs(model, jobs, settings)


def _check_settings(
    model: Model, params: list[str] | None, curves: list[str] | None, options: RenderOptions
) -> dict[str, Any]:
    """Return the parameters. Errors that concern every file are raised here, before the first file."""
    from neutone.cli.automation import read_automation
    from neutone.rendering.options import apply_params, open_engine

    engine, _ = open_engine(model, TYPICAL_RATE, model.input_channels, None, options)
    with engine:
        values = read_automation(params, curves, engine.parameters)
        apply_params(values, engine, None)
    return values


def _render_jobs(model: Model, jobs: list[Job], settings: RenderOptions) -> None:
    from neutone.file_replacement import ProtectedFiles

    inputs = ProtectedFiles(job.source for job in jobs)
    lengths = [_seconds_of(job.source) for job in jobs]
    failures: list[str] = []
    rendered_seconds = compute_seconds = 0.0
    with progress_bar() as progress:
        total = progress.add_task(f"{len(jobs)} files", total=sum(lengths), visible=len(jobs) > 1)
        for job, length in zip(jobs, lengths, strict=True):
            start = clock.perf_counter()
            try:
                with _bar_for(progress, job, total, length) as advance:
                    _render_job(model, job, inputs, settings, advance)
            except Exception as error:  # any error concerns this file only; the other files go on
                if interruption.received():
                    raise
                if traceback_wanted.get():
                    print_traceback()
                failures.append(_explain_failure(job, error))
                continue
            compute_seconds += clock.perf_counter() - start
            rendered_seconds += length
    done = len(jobs) - len(failures)
    if done:
        place = jobs[0].target if len(jobs) == 1 else f"{done} files"
        rtf = f"RTF {compute_seconds / rendered_seconds:.4f}, with reading and writing" if rendered_seconds else "empty"
        print_line(f"rendered {place}: {rendered_seconds:.1f} s of audio in {compute_seconds:.2f} s ({rtf})")
    if failures:
        for failure in failures:
            complain(failure)
        if len(jobs) > 1:
            complain(f"{len(failures)} of {len(jobs)} files failed")
        raise typer.Exit(EXIT_ERROR)


def _explain_failure(job: Job, error: Exception) -> str:
    """Return an error's message with the name of the file, which not all errors contain."""
    message = explain(error)
    return message if str(job.source) in message or str(job.target) in message else f"{job.source}: {message}"


def _render_job(
    model: Model, job: Job, inputs: ProtectedFiles, settings: RenderOptions, progress: Callable[[float], None]
) -> None:
    from neutone.rendering.audio_file import require_audio_file
    from neutone.rendering.files import render_file

    require_audio_file(job.source)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    inputs.refuse_as_target(job.target)  # check again, now that all folders exist
    render_file(model, job.source, job.target, progress=progress, **settings)


@contextmanager
def _bar_for(progress: Progress, job: Job, total: TaskID, length: float) -> Iterator[Callable[[float], None]]:
    """Show a progress bar for a file, and move the bar for all files along. It disappears when the file is done."""
    task = progress.add_task(job.source.name, total=1.0)
    before = 0.0

    def advance(fraction: float) -> None:
        nonlocal before
        progress.update(task, completed=fraction)
        progress.advance(total, (fraction - before) * length)
        before = fraction

    try:
        yield advance
    finally:
        progress.remove_task(task)


def _seconds_of(path: Path) -> float:
    """Return the duration of an audio file in seconds, or 0 if it cannot be read; rendering will say why."""
    import soundfile

    if not path.is_file():  # opening a pipe would wait for a writer
        return 0.0
    try:
        return float(soundfile.info(os.fsencode(path)).duration)
    except Exception:  # errors of soundfile and of the system
        return 0.0
