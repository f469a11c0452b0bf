"""Text output. Consoles are created on use, so that redirected streams are noticed.

All output passes through here. Much of it comes from files, so control characters are escaped before they can reach the
terminal.
"""

from __future__ import annotations

import functools
import json
import math
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from neutone.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

PIPED_WIDTH = 120


@functools.cache
def _console_class() -> type[Console]:
    from rich.console import Console
    from rich.segment import Segment

    class PrintableConsole(Console):
        """Makes text printable where it becomes segments, which happens to everything that rich shows."""

        def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
            for segment in super().render(*arguments, **options):
                shown = segment.text if segment.control else printable(segment.text)
                yield segment if shown == segment.text else Segment(shown, segment.style)

    return PrintableConsole


def _console(*, stderr: bool) -> Console:
    # Markup is off, so that a name in square brackets is shown as it is.
    options: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    console = _console_class()(**options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = _console_class()(**options, width=PIPED_WIDTH)  # rich would assume 80, and cut off columns
    return console


def output() -> Console:
    """Return the console for results: stdout."""
    return _console(stderr=False)


def notes() -> Console:
    """Return the console for progress and errors: stderr."""
    return _console(stderr=True)


def _print_unwrapped(console: Console, line: str, style: str) -> None:
    from rich.text import Text

    encoding = console.encoding or "utf-8"
    shown = line.encode(encoding, "replace").decode(encoding)  # some file names are not text, or not in this encoding
    shown = shown.replace("\n", "\\n")  # a file name with a line feed must not look like a line of neutone's
    console.print(Text(shown, style=style), soft_wrap=True)


def print_line(line: str, style: str = "") -> None:
    """Print one line of the result. It is not wrapped, however long it is."""
    _print_unwrapped(output(), line, style)


def remark(line: str) -> None:
    """Print one dim line on stderr."""
    _print_unwrapped(notes(), line, "dim")


def complain(message: str) -> None:
    """Print an error as one line on stderr, in red if that is a terminal."""
    _print_unwrapped(notes(), f"neutone: {message}", "red")


def print_traceback() -> None:
    """Print the exception that is being handled, with its traceback, on stderr."""
    for line in traceback.format_exc().splitlines():
        _print_unwrapped(notes(), line, "")


def print_json(value: Any) -> None:
    """Print a JSON document for other programs, without colours and line wrapping.
    Numbers that JSON does not have become null. Does nothing if stdout is closed."""
    if sys.stdout is None:
        return
    sys.stdout.write(json.dumps(_finite(value), indent=2, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cell(text: str, style: str = "") -> Text:
    """Return text for a table cell, without markup. It is made printable here, before the columns are measured."""
    from rich.text import Text

    return Text(printable(text), style=style)


def new_table(*, title: str | None = None, caption: str | None = None) -> Table:
    """Return an empty table in the house style.
    Title and caption hold names from files, so they are not read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(
        box=box.SIMPLE_HEAD,
        title=None if title is None else Text(printable(title), style="bold"),
        caption=None if caption is None else Text(printable(caption), style="dim"),
        title_justify="left",
        caption_justify="left",
        padding=(0, 1),
        pad_edge=False,
    )


UNBOUNDED = 10_000
"""A width in characters that no table has."""


def first_that_fits(*tables: Table) -> Table:
    """Return the first table that is not wider than standard output, or the last one. No number is ever cut."""
    console = output()
    unbounded = console.options.update(width=UNBOUNDED)
    fitting = (table for table in tables if console.measure(table, options=unbounded).maximum <= console.width)
    return next(fitting, tables[-1])


def progress_bar() -> Progress:
    """Return a progress bar on stderr that disappears when it is done. It shows nothing if stderr is not a terminal."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = notes()
    console.quiet = not console.is_terminal  # with older versions of rich, a disabled bar still prints an empty line
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
