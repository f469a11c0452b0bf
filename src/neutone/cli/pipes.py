"""``-`` in place of a file: audio from standard input and to standard output, as a WAV file or without a header.

The audio passes through temporary files: a header states the length, which a pipe tells only at its end, and a failed
render must not leave half a result in the pipe."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neutone.errors import AudioFileError, ConfigurationError

if TYPE_CHECKING:
    import soundfile

PIPE = Path("-")
COPIED_FRAMES = 65_536
RAW_FORM = "RATE,CHANNELS,SUBTYPE, such as 48000,2,pcm16"


@dataclass(frozen=True)
class RawFormat:
    """Audio without a header: its sample rate in Hz, its number of channels, and its sample format, little-endian."""

    sample_rate: int
    channels: int
    subtype: str

    @classmethod
    def parse(cls, text: str) -> RawFormat:
        """Read the option ``--raw``. Raises :class:`~neutone.errors.ConfigurationError` if it is something else."""
        from neutone.rendering.audio_file import subtype_of

        rate, _, rest = text.partition(",")
        channels, _, subtype = rest.partition(",")
        if not (rate.strip().isdecimal() and channels.strip().isdecimal() and int(channels) and subtype.strip()):
            raise ConfigurationError(f"--raw is {text!r}, expected {RAW_FORM}")
        return cls(int(rate), int(channels), subtype_of(Path("raw.w64"), subtype.strip()))


@contextmanager
def piped(inputs: list[Path], output: Path, suffix: str, raw: RawFormat | None) -> Iterator[tuple[list[Path], Path]]:
    """Give files in place of the pipes among the inputs and the output. At the end of the ``with`` block the output is
    written to standard output.

    Raises:
        neutone.errors.ConfigurationError: Standard output is a terminal, or ``raw`` is given without a pipe.
        neutone.errors.AudioFileError: Standard input is not what ``raw`` says.
    """
    if PIPE not in (*inputs, output):
        if raw is not None:
            raise ConfigurationError("--raw is for standard input and output: give - as IN or OUT")
        yield inputs, output
        return
    if output == PIPE and (len(inputs) != 1 or inputs[0].is_dir()):
        raise ConfigurationError("standard output takes one result: give one file, or - as IN")
    if inputs.count(PIPE) > 1:
        raise ConfigurationError("standard input is named twice")
    if output == PIPE and sys.stdout.isatty():
        raise ConfigurationError("standard output is a terminal, expected a file or a program to write audio to")
    with tempfile.TemporaryDirectory(prefix="neutone-") as folder:
        source = Path(folder, "standard-input.w64" if raw else "standard-input.wav")
        target = Path(folder, f"standard-output{'.w64' if raw else suffix}")
        if PIPE in inputs:
            _receive(source, raw)
        yield [source if path == PIPE else path for path in inputs], target if output == PIPE else output
        if output == PIPE and target.exists():
            _send(target, raw)


def _receive(source: Path, raw: RawFormat | None) -> None:
    received = source.with_suffix(".received") if raw else source
    with received.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    if received.stat().st_size == 0:
        raise AudioFileError("standard input is empty, expected audio")
    if raw:
        import soundfile

        given = {"samplerate": raw.sample_rate, "channels": raw.channels, "subtype": raw.subtype}
        with (
            soundfile.SoundFile(received, format="RAW", endian="LITTLE", **given) as reader,
            soundfile.SoundFile(source, "w", format="W64", **given) as writer,
        ):
            _copy(reader, writer)
        received.unlink()


def _send(target: Path, raw: RawFormat | None) -> None:
    if raw:
        import soundfile

        bare = target.with_suffix(".sent")
        with soundfile.SoundFile(target) as reader:
            given = {"samplerate": reader.samplerate, "channels": reader.channels, "subtype": reader.subtype}
            with soundfile.SoundFile(bare, "w", format="RAW", endian="LITTLE", **given) as writer:
                _copy(reader, writer)
        target = bare
    with target.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _copy(reader: soundfile.SoundFile, writer: soundfile.SoundFile) -> None:
    """Copy samples without changing one."""
    dtype = "float64" if reader.subtype in ("FLOAT", "DOUBLE") else "int32"
    while len(block := reader.read(COPIED_FRAMES, dtype=dtype, always_2d=True)):
        writer.write(block)
