"""``neutone export``: from a wrapped PyTorch model to files that hosts load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neutone.cli.terminal import output, print_line
from neutone.errors import CompatibilityWarning, ConfigurationError, ModelCheckWarning

if TYPE_CHECKING:
    from neutone.sdk import ExportReport, WaveformToWaveformBase

__all__ = ["export"]

FORMATS = ("nm", "onnx")


def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="WRAPPER",
            help="my_model.py:MyWrapper or package.module:MyWrapper; a function that makes the model will do, too.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="A folder, made where there is none.")],
    formats: Annotated[
        str, typer.Option("--format", help="nm (TorchScript, for existing hosts), onnx, or both: nm,onnx.")
    ] = "nm",
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights: a state dict that torch.save wrote, of the wrapper or its network.")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="Put sounds into the .nm file, and beside it as MP3.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Write no .nm file unless every check holds.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Freeze the network in the .nm file.")] = False,
    benchmark: Annotated[bool, typer.Option(help="Measure and show speed and latency of the .nm file.")] = True,
) -> None:
    """Export a wrapped PyTorch model as OUT/model.nm and OUT/model.onnx, and check what was written."""
    wanted = [part.strip().lower() for part in formats.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise ConfigurationError(f"--format is {formats!r}, expected {', '.join(FORMATS)} or both with a comma")
    from neutone.sdk.wrap.source import open_wrapper

    if checkpoint is not None:
        from neutone.file_replacement import ProtectedFiles

        inputs = ProtectedFiles([checkpoint])
        for written in ("model.nm", "metadata.json", "model.onnx"):
            inputs.refuse_as_target(folder / written)
    model = open_wrapper(name, checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    if "nm" in wanted:
        _export_nm(model, folder, samples or strict, strict, freeze, benchmark)
    if "onnx" in wanted:
        _export_onnx(model, folder / "model.onnx")


def _export_nm(
    model: WaveformToWaveformBase, folder: Path, samples: bool, strict: bool, freeze: bool, benchmark: bool
) -> None:
    import warnings

    from neutone.cli.check_table import check_table
    from neutone.sdk import save_neutone_model

    with warnings.catch_warnings():
        warnings.simplefilter("always", CompatibilityWarning)
        warnings.simplefilter("ignore", ModelCheckWarning)  # the table says it
        report: ExportReport = save_neutone_model(
            model, folder, dump_samples=samples, submission=strict, freeze=freeze, speed_benchmark=benchmark
        )
    output().print(check_table(report.checks, title="Checks of what was written"))
    print_line(f"wrote {report.path}")


def _export_onnx(model: WaveformToWaveformBase, path: Path) -> None:
    from neutone.sdk import export_onnx

    result = export_onnx(model, path)
    blocks = "any block size" if result.takes_any_block else "one block size"
    print_line(
        f"wrote {result.path}: {blocks}, {len(result.states)} states, largest difference from PyTorch "
        f"{result.largest_difference:.1e}"
    )
