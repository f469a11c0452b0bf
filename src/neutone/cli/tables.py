"""Show latency, timing and checks as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from neutone.checks.timing import HostLatency, Timing
from neutone.cli.terminal import cell, first_that_fits, new_table
from neutone.model.check_result import CheckResult

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from neutone.plugins import HostTiming

T = TypeVar("T")

LATENCY_HEADINGS = (
    "host\nHz/frames",
    "model\nHz/frames",
    "resampling\n+ buffering\n+ model",
    "latency\nframes",
    "\nms",
)
MODEL_BLOCK_HEADING = ("model runs\nus, share",)
TIMING_HEADINGS = ("median\nus", "99 %\nus", "\nRTF")
EXPORT_HEADINGS = ("host\nHz/frames", "buffering\n+ model", "latency\nframes", "\nms", "median\nus", "\nRTF")
VERDICTS = {True: ("ok", "green"), False: ("FAILED", "red"), None: ("unknown", "yellow")}


def _with_columns(table: Table, headings: Iterable[str]) -> Table:
    for heading in headings:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    return table


def _latency_cells(row: HostLatency) -> tuple[str, ...]:
    resampling, buffering, model, _ = row.latency
    more = " + ?" if row.without_model else ""
    return (
        f"{row.sample_rate}/{row.block_size}",
        f"{row.model_sample_rate}/{row.model_block_size or 'any'}",
        f"{resampling} + {buffering}{more or f' + {model}'}",
        f"{row.latency.total}{more}",
        f"{row.milliseconds:.1f}{more}",
    )


def _timing_cells(row: Timing) -> tuple[Text, ...]:
    in_time = row.rtf < 1.0 and row.p99_us < row.block_us
    style = "" if in_time else "red"
    times = (f"{row.median_us:.0f}", f"{row.p99_us:.0f}", f"{row.rtf:.4f}")
    return tuple(cell(time, style) for time in times)


def _model_block_cell(row: Timing) -> Text:
    """Return the time of a host block in which the model runs, and its share of the block's audio."""
    if row.model_block_us is None:
        return cell("")
    share = row.model_block_us / row.block_us
    return cell(f"{row.model_block_us:.0f}, {100 * share:.0f} %", "red" if share >= 1.0 else "")


def latency_table(rows: Sequence[HostLatency], *, title: str, caption: str | None = None) -> Table:
    """Return a table with a line for each host rate and block size."""
    table = _with_columns(new_table(title=title, caption=caption), LATENCY_HEADINGS)
    for row, ends in zip(rows, _section_ends(rows), strict=True):
        table.add_row(*_latency_cells(row), end_section=ends)
    return table


def timing_table(rows: Sequence[Timing], *, title: str, caption: str | None = None) -> Table:
    """Return a latency table with times, in red where the audio would drop out. A narrow terminal gets no causes of the
    latency; ``neutone info`` shows them."""
    ends = _section_ends([row.at for row in rows])
    more = MODEL_BLOCK_HEADING if any(row.model_block_us is not None for row in rows) else ()

    def table_of(kept: slice | list[int]) -> Table:
        times = slice(None) if isinstance(kept, slice) or len(kept) > 2 else [0, 2]
        headings = [*_chosen(LATENCY_HEADINGS, kept), *_chosen(TIMING_HEADINGS, times), *more]
        table = _with_columns(new_table(title=title, caption=caption), headings)
        for row, ends_section in zip(rows, ends, strict=True):
            last = [_model_block_cell(row)] if more else []
            cells: list[str | Text] = [
                *_chosen(_latency_cells(row.at), kept),
                *_chosen(_timing_cells(row), times),
                *last,
            ]
            table.add_row(*cells, end_section=ends_section)
        return table

    return first_that_fits(table_of(slice(None)), table_of([0, 3, 4]), table_of([0, 3]))


def _chosen(texts: Sequence[T], kept: slice | list[int]) -> list[T]:
    return list(texts[kept]) if isinstance(kept, slice) else [texts[index] for index in kept]


def _section_ends(rows: Sequence[HostLatency]) -> list[bool]:
    """Return after which lines the rate changes, for tables that have several lines for a rate."""
    rates = [row.sample_rate for row in rows]
    is_grouped = len(set(rates)) < len(rates)
    return [is_grouped and rate != following for rate, following in zip(rates, [*rates[1:], None], strict=True)]


def host_timing_table(rows: Iterable[HostTiming], *, title: str) -> Table:
    """Return a table of an exported file in hosts that run it without neutone, in red where the audio would drop
    out."""
    caption = "Frames of the host. RTF = compute time / audio time: below 1 keeps up. One thread."
    rows = list(rows)

    def table_of(kept: slice | list[int]) -> Table:
        table = _with_columns(new_table(title=title, caption=caption), [*_chosen(EXPORT_HEADINGS[:-1], kept), "\nRTF"])
        for row in rows:
            cells = (
                f"{row.sample_rate}/{row.block_size}",
                f"{row.buffering_delay} + {row.model_delay}",
                str(row.delay),
                f"{1000 * row.delay / row.sample_rate:.1f}",
                "" if row.median_us is None else f"{row.median_us:.0f}",
            )
            rtf = cell("" if row.rtf is None else f"{row.rtf:.4f}", "red" if (row.rtf or 0.0) >= 1.0 else "")
            table.add_row(*_chosen(cells, kept), rtf)
        return table

    return first_that_fits(table_of(slice(None)), table_of([0, 2, 3, 4]))


def check_table(checks: Iterable[CheckResult], *, title: str) -> Table:
    """Return a table with a line for each check."""
    table = new_table(title=title)
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("details", overflow="fold")
    for check in checks:
        word, style = VERDICTS[check.passed]
        table.add_row(cell(check.name), cell(word, style), cell(check.detail))
    return table
