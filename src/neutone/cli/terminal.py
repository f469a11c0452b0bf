"""Where text goes. Consoles are made when they are used, so that redirected streams are seen."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

__all__ = ["complain", "new_table", "notes", "output", "print_json", "print_line", "progress_bar", "remark"]

PIPED_WIDTH = 120


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(stderr=stderr, highlight=False, width=PIPED_WIDTH)  # rich assumes 80, and cuts columns
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
    printable = line.encode(encoding, "replace").decode(encoding)  # not every file name is text, or this console's
    console.print(Text(printable, style=style), soft_wrap=True)


def print_line(line: str, style: str = "") -> None:
    """One line of result, however long."""
    _print_unwrapped(output(), line, style)


def remark(line: str) -> None:
    """One dim line on stderr."""
    _print_unwrapped(notes(), line, "dim")


def complain(message: str) -> None:
    """One line on stderr, in red where that is a terminal."""
    _print_unwrapped(notes(), f"neutone: {message}", "red")


def print_json(value: Any) -> None:
    """A document for programs: never coloured, never wrapped. To nobody where stdout is closed."""
    if sys.stdout is None:
        return
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def new_table(*, title: str | None = None, caption: str | None = None) -> Table:
    """A table in the house style."""
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD,
        title=title,
        caption=caption,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        caption_style="dim",
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
