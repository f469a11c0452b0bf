"""``neutone export``: export a wrapped PyTorch model to files that hosts load."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli import interruption
from neutone.cli.errors import explain
from neutone.cli.options import typed_pairs
from neutone.cli.terminal import complain, output, print_line
from neutone.errors import (
    CompatibilityWarning,
    ConfigurationError,
    MissingExtraError,
    ModelCheckWarning,
    ModelFileError,
    NeutoneError,
    in_words,
)
from neutone.installing import install_command

if TYPE_CHECKING:
    from neutone.plugins import Exporter, ExportReport
    from neutone.sdk import WaveformToWaveformBase

STEM = "model"


def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="WRAPPER",
            help="my_model.py:MyWrapper or package.module:MyWrapper, or the name of a function that makes the model.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder, created if needed.")],
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME,...",
            help="nm (TorchScript, for existing hosts), onnx, or another installed exporter (neutone plugins); "
            "several with commas: nm,onnx.",
        ),
    ] = "nm",
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights: a state dict written by torch.save, of the wrapper or its network.")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="Put sounds into the .nm file, and next to it as MP3.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Write no file unless every check passes.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write a .nm file even if a reset does not clear its state.")
    ] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Freeze the network in the .nm file.")] = False,
    benchmark: Annotated[bool, typer.Option(help="Measure and show speed and latency of the .nm file.")] = True,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="KEY=VALUE", help="An option of the exporters; repeatable."),
    ] = None,
) -> None:
    """Export a wrapped PyTorch model as OUT/model.nm, OUT/model.onnx and so on, and check the files."""
    chosen = _exporters(formats)
    flags = {"samples": samples, "strict": strict, "freeze": freeze, "force": force, "benchmark": benchmark}
    given = _options_of_each(chosen, flags, typed_pairs(options, "--option"))
    from neutone.sdk.wrap.source import open_wrapper

    if checkpoint is not None:
        from neutone.file_replacement import ProtectedFiles

        inputs = ProtectedFiles([checkpoint])
        for exporter in chosen:
            for written in exporter.written_files(folder / f"{STEM}{exporter.suffix}"):
                inputs.refuse_as_target(written)
    model = open_wrapper(name, checkpoint)
    failures: list[Exception] = []
    with _made_if_needed(folder):
        for exporter, settings in zip(chosen, given, strict=True):
            try:
                report = _export(exporter, model, folder / f"{STEM}{exporter.suffix}", settings)
            except Exception as error:
                if interruption.received():
                    raise
                failures.append(error)  # the other formats may well be written
            else:
                _show(report, benchmark)
    for failure in failures[:-1]:
        complain(explain(failure))
    if failures:
        raise failures[-1]


def _export(exporter: Exporter, model: WaveformToWaveformBase, path: Path, settings: dict[str, Any]) -> ExportReport:
    from neutone.plugins import ExportReport

    with warnings.catch_warnings():
        warnings.simplefilter("always", CompatibilityWarning)
        warnings.simplefilter("ignore", ModelCheckWarning)  # the table shows the same
        try:
            report = exporter.export(model, path, **settings)
        except (NeutoneError, OSError):
            raise
        except Exception as error:
            raise ModelFileError(f"the exporter {exporter.name!r} failed: {in_words(error)}") from error
    if not isinstance(report, ExportReport) or not report.path.is_file():
        raise ModelFileError(f"the exporter {exporter.name!r} is broken: it returned no report of a file")
    return report


@contextmanager
def _made_if_needed(folder: Path) -> Iterator[None]:
    """Create a folder and its parents. Afterwards remove those of them that stayed empty."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # not empty
            for path in made:
                path.rmdir()


def _exporters(formats: str) -> list[Exporter]:
    from neutone.plugins import exporters

    known = {name.lower(): name for name in exporters.names()}
    given = (part.strip().lower() for part in formats.split(","))
    wanted = [known.get(part, "") for part in dict.fromkeys(given) if part]
    if not wanted or "" in wanted:
        raise ConfigurationError(
            f"--format is {formats!r}, expected one of {', '.join(exporters.names())}, or several with commas"
        )
    chosen = [exporters.get(name)() for name in wanted]
    for exporter in chosen:
        if missing := ", ".join(exporter.missing()):
            raise MissingExtraError(
                f"the exporter {exporter.name!r} needs {missing}: {install_command(exporter.extra)}"
            )
    for suffix, writers in Counter(exporter.suffix for exporter in chosen).items():
        if writers > 1:
            raise ConfigurationError(f"--format is {formats!r}, but {writers} of them write {STEM}{suffix}")
    return chosen


def _options_of_each(
    chosen: list[Exporter], flags: Mapping[str, bool], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the options that each exporter knows. Raises if none of them knows an option."""
    for key in options:
        if not any(key in exporter.options for exporter in chosen):
            known = sorted({option for exporter in chosen for option in exporter.options})
            raise ConfigurationError(f"--option names {key!r}, which no chosen exporter knows; they take {known}")
    for flag in ("samples", "strict", "freeze", "force"):
        if flags[flag] and not any(flag in exporter.options for exporter in chosen):
            raise ConfigurationError(f"--{flag} is given, but {' and '.join(e.name for e in chosen)} cannot do it")
    given = {**flags, **options}
    return [{key: value for key, value in given.items() if key in exporter.options} for exporter in chosen]


def _show(report: ExportReport, with_hosts: bool) -> None:
    from neutone.cli.tables import check_table, host_timing_table

    if report.hosts and with_hosts:
        title = f"{report.metadata['model_name']} in hosts that run {report.path.name} as it is"
        output().print(host_timing_table(report.hosts, title=title))
    output().print(check_table(report.checks, title="Checks of what was written"))
    print_line(f"wrote {report.path}{report.summary and f': {report.summary}'}")
