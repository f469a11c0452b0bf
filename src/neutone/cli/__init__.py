"""The command line: ``neutone demo``, ``info``, ``render``, ``plugins``, ``bench``, ``export`` and
``validate``.

Results go to stdout, progress and complaints to stderr. What goes wrong is one line and exit code 2; Ctrl-C is 130.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """What the installed script ``neutone`` runs."""
    try:
        from neutone.cli.app import app

        app()
    except KeyboardInterrupt:  # outside of a command, which says it in words
        raise SystemExit(130) from None
