"""The command line: ``neutone demo``, ``info``, ``render``, ``live`` and others; ``neutone --help`` lists them.

Results go to stdout; progress and errors go to stderr. An error is one line and exit code 2; Ctrl-C is exit code 130.
"""

from __future__ import annotations

from neutone.cli import interruption

__all__ = ["main"]

TYPER_INTERRUPTED = 130
"""The exit code with which typer ends, silently, when KeyboardInterrupt reaches it."""


def main() -> None:
    """Run the command line. This is what the installed script ``neutone`` calls."""
    try:
        interruption.raise_on_signals()
        interruption.ignore_unraisable_interrupts()
        from neutone.cli.app import app

        app()
    except KeyboardInterrupt:  # before typer has started
        interruption.say_so()
        raise SystemExit(interruption.exit_code()) from None
    except SystemExit as end:
        if end.code == TYPER_INTERRUPTED and interruption.received():  # while typer prepared the command
            interruption.say_so()
            raise SystemExit(interruption.exit_code()) from None
        raise
    finally:
        interruption.let_signals_end_the_process()
