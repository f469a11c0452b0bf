"""``neutone render``: render audio files through a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli.errors import EXIT_ERROR
from neutone.cli.options import BackendName, LoadOptions, ModelName, TrustFlag, open_model
from neutone.cli.terminal import complain, print_line, remark
from neutone.errors import ConfigurationError

if TYPE_CHECKING:
    from neutone.cli.render_jobs import Outcome
    from neutone.plugins import Model
    from neutone.rendering.jobs import Job
    from neutone.rendering.options import RenderOptions


TYPICAL_RATE = 48_000


def render(
    model_name: ModelName,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN... OUT",
            help="IN: audio files, folders that are searched for them, or - for standard input. OUT: a file if IN is "
            "one file, otherwise a folder, created if needed; - for standard output.",
        ),
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
        str,
        typer.Option(
            metavar="mix|dual", help="For a mono model: mix the channels, or run the model on each of them (dual)."
        ),
    ] = "mix",
    wet: Annotated[float | None, typer.Option(help="Level of the model's output, 0..1.")] = None,
    dry: Annotated[float | None, typer.Option(help="Level of the unprocessed input, 0..1.")] = None,
    input_gain: Annotated[float | None, typer.Option(help="Gain before the model, -30..30 dB.")] = None,
    output_gain: Annotated[float | None, typer.Option(help="Gain after the mix, -30..30 dB.")] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="SUFFIX",
            help="The format of the files in an output folder: wav, flac, mp3 or another; by default IN's.",
        ),
    ] = None,
    subtype: Annotated[
        str | None, typer.Option(help="The sample format: pcm16, pcm24, float or another; by default the most exact.")
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="RATE,CHANNELS,SUBTYPE", help="For - as IN or OUT: audio without a header, such as 48000,2,pcm16."
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option("--jobs", "-j", min=1, metavar="N", help="How many files to render at a time.")
    ] = 1,
    play: Annotated[bool, typer.Option("--play", help="Play the results on a sound card.")] = False,
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
    from functools import partial

    from neutone.cli.pipes import PIPE, RawFormat, piped
    from neutone.cli.playback import open_player
    from neutone.cli.render_jobs import Recipe, in_this_process, run_jobs
    from neutone.cli.render_processes import in_processes
    from neutone.file_replacement import ProtectedFiles
    from neutone.plugins.loading import models_in
    from neutone.rendering.audio_file import container_of, subtype_of
    from neutone.rendering.jobs import plan_jobs

    *inputs, output = paths
    if not inputs:
        raise ConfigurationError(f"OUT is missing: neutone render {model_name} {output} OUT")
    suffix = None if file_format is None else f".{file_format.lower().removeprefix('.')}"
    if suffix is not None:
        container_of(Path(f"OUT/*{suffix}"))
    raw_format = None if raw is None else RawFormat.parse(raw)
    to_stdout = output == PIPE
    if to_stdout and raw_format is not None:
        subtype = subtype or raw_format.subtype
    with piped(inputs, output, suffix or ".wav", raw_format) as (sources, target):
        jobs = plan_jobs(sources, target, None if to_stdout else suffix, map(Path, models_in(model_name)))
        if subtype is not None:
            for job in jobs:
                subtype_of(job.target, subtype)
        player = open_player(None) if play else None
        open_again = partial(open_model, model_name, backend, options, trust)
        model = open_again()
        settings: RenderOptions = {
            "channels": channels,
            "block_size": block,
            "resampler": resampler,
            "taps": taps,
            "wet": wet,
            "dry": dry,
            "input_gain_db": input_gain,
            "output_gain_db": output_gain,
        }
        settings["params"] = _check_settings(model, params, curves, settings)
        recipe = Recipe(settings, subtype, ProtectedFiles(job.source for job in jobs), strict)
        alone = processes == 1 or len(jobs) == 1
        outcome = run_jobs(
            jobs, in_this_process(model, recipe) if alone else in_processes(processes, open_again, recipe)
        )
        _report(outcome, jobs, "to standard output" if to_stdout else None, remark if to_stdout else print_line)
        if player is not None:
            for job in jobs:
                player(job.target)


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


def _report(outcome: Outcome, jobs: list[Job], to: str | None, say: Callable[[str], None]) -> None:
    """Print what was rendered and what failed. Raises :class:`typer.Exit` if something did."""
    done = len(jobs) - len(outcome.failures)
    if done:
        place = to or (jobs[0].target if len(jobs) == 1 else f"{done} files")
        seconds, compute = outcome.rendered_seconds, outcome.compute_seconds
        rtf = f"RTF {compute / seconds:.4f}, with reading and writing" if seconds else "empty"
        say(f"rendered {place}: {seconds:.1f} s of audio in {compute:.2f} s ({rtf})")
    if outcome.failures:
        for failure in outcome.failures:
            complain(failure)
        if len(jobs) > 1:
            complain(f"{len(outcome.failures)} of {len(jobs)} files failed")
        raise typer.Exit(EXIT_ERROR)
