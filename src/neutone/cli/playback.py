"""Playing audio files on a sound card, through the host ``portaudio``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from neutone.cli.terminal import progress_bar
from neutone.errors import AudioFileError

BLOCK_FRAMES = 4096


def open_player(device: str | None) -> Callable[[Path], None]:
    """Return a function that plays a file. Errors that concern every file are raised here.

    Args:
        device: The name or number of an output device; None for the system's.

    Raises:
        neutone.errors.HostError: There is no such device.
        neutone.errors.MissingExtraError: sounddevice or PortAudio is not installed.
    """
    from neutone.plugins import hosts

    host: Any = hosts.get("portaudio")
    player = host.player(int(device) if device is not None and device.isdecimal() else device)

    def play(path: Path) -> None:
        from neutone.rendering.audio_file import open_input

        with open_input(path) as file, progress_bar() as progress:
            task = progress.add_task(path.name, total=file.frames)
            player.play(
                _blocks(file, path), file.samplerate, file.channels, lambda frames: progress.advance(task, frames)
            )

    return play


def _blocks(file: Any, path: Path) -> Iterator[Any]:
    import soundfile

    try:
        while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            yield block
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot read {path}, is it damaged? ({error.error_string})") from error
