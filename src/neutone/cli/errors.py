"""Show errors and warnings on the command line: one line each on stderr, and exit code 2."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TextIO, TypeVar

import typer

from neutone.cli import interruption
from neutone.cli.terminal import complain, print_traceback, remark
from neutone.errors import LONGEST_MESSAGE, AudioWarning, NeutoneError, PluginWarning

EXIT_ERROR = 2

P = ParamSpec("P")
R = TypeVar("R")

traceback_wanted: ContextVar[bool] = ContextVar("traceback_wanted", default=False)


def explain(error: Exception) -> str:
    """Return an error as one line of text."""
    if isinstance(error, NeutoneError | AudioWarning):  # a warning that --strict makes an error
        message = str(error)
    elif isinstance(error, OSError):
        message = _explain_system_error(error)
    else:  # an error that was not raised on purpose
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        message = f"unexpected error, {reason}; for details run: neutone --debug ..."
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    line = " ".join(lines) or type(error).__name__
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."


def _explain_system_error(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


@contextmanager
def one_line_warnings(show: Callable[[str], object] = remark) -> Iterator[None]:
    """Show each warning in the ``with`` block as one line, with `show(line)`."""

    def show_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        show(f"neutone: warning: {' '.join(str(message).split())}")

    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        for category in (PluginWarning, AudioWarning):
            warnings.simplefilter("always", category)
        yield


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that anything it raises is shown as one line, after a traceback if the user asked for one."""

    @functools.wraps(command)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        with one_line_warnings():
            try:
                return command(*arguments, **options)
            except (typer.Exit, typer.Abort, BrokenPipeError):  # typer's own, and `neutone ... | head`
                raise
            except SystemExit as error:  # typer's own exit is none
                complain(f"a model file or plug-in ended the program: SystemExit({error.code!r})")
                raise typer.Exit(EXIT_ERROR) from None
            except (KeyboardInterrupt, Exception) as error:
                if traceback_wanted.get():
                    print_traceback()
                # An error after a signal may be caused by it: some libraries turn it into an error of their own.
                if isinstance(error, KeyboardInterrupt) or interruption.received():
                    interruption.say_so()
                    raise typer.Exit(interruption.exit_code()) from None
                complain(explain(error))
                raise typer.Exit(EXIT_ERROR) from None

    return guarded
