"""Where text goes. Consoles are made when they are used, so that redirected streams are seen.

Whatever is printed passes here, and much of it comes from files: no control character of theirs reaches the terminal.
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
        """Text is made printable where it becomes segments, which everything does that rich shows."""

        def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
            for segment in super().render(*arguments, **options):
                shown = segment.text if segment.control else printable(segment.text)
                yield segment if shown == segment.text else Segment(shown, segment.style)

    return PrintableConsole


def _console(*, stderr: bool) -> Console:
    # No markup: a name in brackets is a name.
    options: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    console = _console_class()(**options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = _console_class()(**options, width=PIPED_WIDTH)  # rich assumes 80, and cuts columns
    return console


def output() -> Console:
    """Results: stdout."""
    return _console(stderr=False)


def notes() -> Console:
    """Progress and complaints: stderr."""
    return _console(stderr=True)


def _print_unwrapped(console: Console, line: str, style: str) -> None:
    from rich.text import Text

    encoding = console.encoding or "utf-8"
    shown = line.encode(encoding, "replace").decode(encoding)  # not every file name is text, or this console's
    shown = shown.replace("\n", "\\n")  # a file name with a line feed must not look like a line of ours
    console.print(Text(shown, style=style), soft_wrap=True)


def print_line(line: str, style: str = "") -> None:
    """One line of result, however long."""
    _print_unwrapped(output(), line, style)


def remark(line: str) -> None:
    """One dim line on stderr."""
    _print_unwrapped(notes(), line, "dim")


def complain(message: str) -> None:
    """One line on stderr, in red where that is a terminal."""
    _print_unwrapped(notes(), f"neutone: {message}", "red")


def print_traceback() -> None:
    """The exception that is being handled, on stderr."""
    for line in traceback.format_exc().splitlines():
        _print_unwrapped(notes(), line, "")


def print_json(value: Any) -> None:
    """A document for programs: never coloured, never wrapped; numbers that JSON does not have become null. To nobody if
    stdout is closed."""
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
    """Text for a table, no markup. It is made printable here, before the columns are measured."""
    from rich.text import Text

    return Text(printable(text), style=style)


def new_table(*, title: str | None = None, caption: str | None = None) -> Table:
    """A table in the house style. Title and caption hold names from files, so nothing in them is taken for markup."""
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


def progress_bar() -> Progress:
    """A bar on stderr that leaves no trace; silent where stderr is no terminal."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = notes()
    console.quiet = not console.is_terminal  # a disabled bar of an older rich still ends with an empty line
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
