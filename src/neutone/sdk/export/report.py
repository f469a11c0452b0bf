"""What an export wrote, and how it did in the checks."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.cli.terminal import new_table, output
from neutone.model.check_result import CheckResult
from neutone.sdk.export.wrapper_timing import WrapperTiming

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["ExportReport"]


@dataclass(frozen=True)
class ExportReport:
    """The answer of :func:`~neutone.sdk.save_neutone_model`."""

    path: Path
    """of the model file"""
    metadata: dict[str, Any]
    """its ``metadata.json``"""
    checks: tuple[CheckResult, ...]
    hosts: tuple[WrapperTiming, ...]
    """delay in several hosts, and speed where it was measured"""

    @property
    def failures(self) -> list[CheckResult]:
        """The checks that did not pass."""
        return [check for check in self.checks if check.failed]

    def print_tables(self) -> None:
        """Speed and latency by host, on stdout; without colours and wider where that is no terminal."""
        output().print(_host_table(self))


def _host_table(report: ExportReport) -> "Table":
    table = new_table(
        title=f"{report.metadata['model_name']} in hosts that run {report.path.name} as it is",
        caption="Frames of the host. RTF = compute time / audio time: below 1 keeps up. One thread.",
    )
    for heading in ("host\nHz/frames", "buffering\n+ model", "latency\nframes", "\nms", "median\nus", "\nRTF"):
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for row in report.hosts:
        table.add_row(
            f"{row.sample_rate}/{row.block_size}",
            f"{row.buffering_delay} + {row.model_delay}",
            str(row.delay),
            f"{1000 * row.delay / row.sample_rate:.1f}",
            "" if row.median_us is None else f"{row.median_us:.0f}",
            "" if row.rtf is None else f"{'[red]' if row.rtf >= 1 else ''}{row.rtf:.4f}",
        )
    return table
