"""Rendering audio files, block by block: memory does not grow with their length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from neutone.engine import Engine, Parameters
from neutone.errors import AudioFileError, ConfigurationError
from neutone.file_replacement import replaced_when_complete
from neutone.plugins.contracts import Model
from neutone.rendering import DEFAULT_BLOCK_SIZE, Progress, prepare_engine, render_blocks

__all__ = ["render_file", "write_audio"]

Array = NDArray[np.float32]

# The most exact sample format that each container holds; what is missing takes libsndfile's default.
SUBTYPES = {"WAV": "FLOAT", "W64": "FLOAT", "RF64": "FLOAT", "AIFF": "FLOAT", "CAF": "FLOAT", "FLAC": "PCM_24"}


def _container(path: Path) -> str:
    name = {"AIF": "AIFF"}.get(path.suffix.upper().removeprefix("."), path.suffix.upper().removeprefix("."))
    if name not in soundfile.available_formats() or name == "RAW":  # no header: nobody could read it back
        raise ConfigurationError(
            f"cannot write {path}: the suffix is {path.suffix!r}, expected one of .wav, .flac, .aiff, .ogg, .mp3"
        )
    return name


def _open_input(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        raise FileNotFoundError(f"no audio file {path}")
    try:
        return soundfile.SoundFile(os.fsencode(path))  # soundfile itself encodes as UTF-8 only
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot read {path}: {error.error_string}") from error
    except TypeError as error:  # soundfile's answer to .raw
        raise AudioFileError(f"cannot read {path}: a file without a header tells neither rate nor channels") from error


@contextmanager
def _open_output(name: Path, path: Path, sample_rate: int, channels: int) -> Iterator[soundfile.SoundFile]:
    container = _container(path)
    try:
        file = soundfile.SoundFile(
            os.fsencode(name), "w", sample_rate, channels, subtype=SUBTYPES.get(container), format=container
        )
    except (soundfile.LibsndfileError, ValueError) as error:
        raise AudioFileError(f"cannot write {path} with {channels} channels at {sample_rate} Hz: {error}") from error
    try:
        with file:
            yield file
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot write {path}, is the disk full? ({error.error_string})") from error


def write_audio(path: str | Path, audio: Array, sample_rate: int) -> None:
    """Write float32 (channels, frames) at a rate in Hz; the suffix picks the format."""
    path = Path(path)
    with replaced_when_complete(path) as temporary, _open_output(temporary, path, sample_rate, len(audio)) as file:
        file.write(audio.T)


def render_file(
    model: Model,
    source: str | Path,
    target: str | Path,
    *,
    params: Parameters | None = None,
    progress: Progress | None = None,
    block_size: int = DEFAULT_BLOCK_SIZE,
    resampler: str = "sinc",
    taps: int = 32,
    wet: float | None = None,
    dry: float | None = None,
    input_gain_db: float | None = None,
    output_gain_db: float | None = None,
) -> None:
    """Process an audio file into another of the same rate, length and channels, delay compensated.

    The file is streamed. ``target`` appears when it is complete (it may be the source itself); WAV and AIFF are written
    as 32-bit float, FLAC as 24 bits, other formats as libsndfile does by default. Other arguments as in
    :func:`neutone.render`.

    Raises:
        FileNotFoundError: there is no source.
        neutone.errors.AudioFileError: a file cannot be read or written (an :class:`OSError`).
        neutone.errors.ConfigurationError: the target's suffix is no audio format.
    """
    source, target = Path(source), Path(target)
    _container(target)
    with _open_input(source) as reader:
        engine = Engine(model, reader.samplerate, block_size, reader.channels, resampler=resampler, taps=taps)
        with engine, replaced_when_complete(target) as temporary:
            curves = prepare_engine(
                engine, params, reader.frames, wet, dry, input_gain_db=input_gain_db, output_gain_db=output_gain_db
            )
            with _open_output(temporary, target, reader.samplerate, reader.channels) as writer:
                done = 0
                for block in render_blocks(engine, _read_blocks(reader, source, curves, engine.block_size)):
                    writer.write(block.T)
                    done += block.shape[1]
                    if progress is not None:
                        progress(min(1.0, done / max(1, reader.frames)))


def _read_blocks(
    reader: soundfile.SoundFile, path: Path, curves: Array | None, size: int
) -> Iterator[tuple[Array, Array | None]]:
    start = 0
    while True:
        try:
            audio = reader.read(size, dtype="float32", always_2d=True).T
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"cannot read {path} behind frame {start}: {error.error_string}") from error
        frames = audio.shape[1]
        if frames == 0:
            if start < reader.frames:
                raise AudioFileError(f"{path} ends at frame {start}, but its header says {reader.frames}")
            return
        yield audio, None if curves is None else curves[:, start : start + frames]
        start += frames
