"""Offline rendering of audio files, block by block, so that memory does not grow with their length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import numpy as np
import soundfile
from numpy.typing import NDArray

from neutone.errors import AudioFileError
from neutone.file_replacement import replaced_when_complete
from neutone.model.contract import Model
from neutone.rendering.audio_file import clips, open_input, open_output, subtype_of, tags_of, unclipped_form
from neutone.rendering.curves import Curves
from neutone.rendering.losses import Losses
from neutone.rendering.options import RenderOptions, open_engine
from neutone.rendering.signal import Progress, render_blocks

Array = NDArray[np.float32]

WRITTEN_FRAMES = 65_536
"""The most frames written per call: libsndfile's Vorbis encoder puts each call's frames on the stack."""


def write_audio(path: str | Path, audio: Array, sample_rate: int) -> None:
    """Write float32 audio of shape (channels, frames) to a file, at a sample rate in Hz.
    The suffix picks the format."""
    path = Path(path)
    with (
        replaced_when_complete(path) as temporary,
        open_output(temporary, path, sample_rate, *audio.shape) as file,
    ):
        for start in range(0, audio.shape[1], WRITTEN_FRAMES):
            file.write(audio[:, start : start + WRITTEN_FRAMES].T)


def render_file(
    model: Model,
    source: str | Path,
    target: str | Path,
    *,
    subtype: str | None = None,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> None:
    """Run a model over an audio file and write the result to another file, with the same rate, length and channels. The
    delay of the model and the engine is compensated.

    The file is streamed. ``target`` is put in place once it is complete, and may be the source itself. Its suffix picks
    the container, and ``subtype`` the sample format, such as ``"pcm16"``, ``"pcm24"`` or ``"float"``. By default WAV
    and AIFF are written as 32-bit float, FLAC as 24 bits, other formats in libsndfile's default. Tags such as title and
    artist are kept, as far as the target's container has them. The other arguments are those of
    :func:`neutone.render`; breakpoints of parameters are in seconds from the start of the file.

    Raises:
        FileNotFoundError: The source does not exist.
        neutone.errors.AudioFileError: A file cannot be read or written (this is an :class:`OSError`).
        neutone.errors.ConfigurationError: The target's suffix does not stand for an audio format, or that has no such
            subtype.

    Warns:
        neutone.errors.IncompleteAudioWarning: The source is truncated; the audio that it holds is rendered.
        neutone.errors.NonFiniteAudioWarning: Samples were NaN or infinite and became silence.
        neutone.errors.CancelledAudioWarning: The channels cancel each other when they are mixed.
        neutone.errors.ClippedAudioWarning: The target holds integers, and the result exceeds their full scale.
    """
    source, target = Path(source), Path(target)
    subtype = subtype_of(target, subtype)
    with open_input(source) as reader:
        engine, curves = open_engine(model, reader.samplerate, reader.channels, reader.frames, options)
        with (
            engine,
            replaced_when_complete(target) as temporary,
            open_output(
                temporary, target, reader.samplerate, reader.channels, reader.frames, subtype, tags_of(reader)
            ) as writer,
        ):
            done = 0
            losses = Losses(engine, clips=clips(writer))
            for block in render_blocks(engine, _read_blocks(reader, source, curves, losses, engine.block_size)):
                writer.write(block.T)
                losses.write(block)
                done += block.shape[1]
                if progress is not None:
                    progress(min(1.0, done / max(1, reader.frames)))
            losses.warn(str(source), str(target), unclipped_form(target))


def _read_blocks(
    reader: soundfile.SoundFile, path: Path, curves: Curves | None, losses: Losses, size: int
) -> Iterator[tuple[Array, Array | None]]:
    start = 0
    while True:
        try:
            audio = reader.read(size, dtype="float32", always_2d=True).T
        except soundfile.LibsndfileError as error:
            raise AudioFileError(
                f"cannot read {path} after frame {start}, is it truncated or damaged? ({error.error_string})"
            ) from error
        frames = audio.shape[1]
        if frames == 0:
            if start < reader.frames:
                raise AudioFileError(f"{path} ends at frame {start}, but its header says {reader.frames}")
            return
        losses.hear(audio)
        yield audio, None if curves is None else curves.cut(start, frames)
        start += frames
