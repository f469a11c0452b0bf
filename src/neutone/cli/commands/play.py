"""``neutone play``: play an audio file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neutone.cli.playback import open_player


def play(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Audio files, played one after another.")],
    device: Annotated[str | None, typer.Option(help="A device's name or number, see neutone devices.")] = None,
) -> None:
    """Play audio files on a sound card. Ctrl-C ends it."""
    from neutone.rendering.audio_file import require_audio_file

    for path in files:
        require_audio_file(path)
    player = open_player(device)
    for path in files:
        player(path)
