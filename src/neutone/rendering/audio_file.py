"""Audio files through libsndfile:
what each container can hold, and opening files with errors that say what is wrong."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import soundfile

from neutone.errors import AudioFileError, ConfigurationError, IncompleteAudioWarning, shown

SUBTYPES = {"WAV": "FLOAT", "W64": "FLOAT", "RF64": "FLOAT", "AIFF": "FLOAT", "CAF": "FLOAT", "FLAC": "PCM_24"}
"""The most exact sample format of each container. Containers that are not listed use libsndfile's default."""
UNCLIPPED = {"FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"}
"""The sample formats that hold more than full scale."""
SAMPLE_BYTES = {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "DOUBLE": 8}
TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
"""The tags that are kept from an input. ``software`` is not: libsndfile adds its own name to it."""

WRITTEN = {"WAV", "W64", "RF64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3"}
"""The containers that keep every rate, length and channel count, or refuse them. Others of libsndfile silently write
another rate (HTK, SVX, XI, WVE, MPC2K), another length (SDS), or files that nobody can read (SD2)."""
COMPRESSED = {"FLAC", "OGG", "MP3"}
"""The containers that write their last block when the file is closed. libsndfile does not report a full disk then."""
UNLIMITED = {"W64", "RF64", "CAF", *COMPRESSED}
LONG_FORM = {"WAV": "RF64"}
"""What a container becomes beyond its size limit: RF64 (EBU Tech 3306) is WAV with 64-bit sizes and the same suffix."""
LARGEST_BYTES = {"WAV": 1 << 32, "AIFF": 1 << 32}
LARGEST_OTHER_BYTES = 1 << 31
"""The size limit of the other containers:
32-bit sizes in their headers, which some formats and readers treat as signed."""
HEADER_BYTES = 1 << 16
LAST_FRAMES = 8192

TRUNCATED = re.compile(
    r"^\s*(?P<chunk>data|SSND|BODY|Data Size|riff|Riff size)\s*:\s*(?P<said>\d+) \(should be (?P<there>\d+)\)", re.M
)
"""Matches libsndfile's log of a header that promises more than the file holds. The first four names are audio alone."""
UNKNOWN_SIZES = range(0x7FFF0000, 1 << 32)
"""Sizes that mean "not known". Programs write them when they write to a pipe."""


def container_of(path: Path) -> str:
    """Return libsndfile's name of the format that a suffix stands for.

    Raises :class:`~neutone.errors.ConfigurationError` if there is none that can be read back.

    >>> container_of(Path("take.aif"))
    'AIFF'
    """
    name = {"AIF": "AIFF"}.get(path.suffix.upper().removeprefix("."), path.suffix.upper().removeprefix("."))
    if name not in WRITTEN or name not in soundfile.available_formats():
        raise ConfigurationError(
            f"cannot write {path}: the suffix is {path.suffix!r}, expected one of .wav, .flac, .aiff, .ogg, .mp3, "
            f".w64, .rf64, .caf, .au"
        )
    return name


def subtype_of(path: Path, name: str | None) -> str:
    """Return libsndfile's name of the sample format for a file.

    Args:
        path: The file, whose suffix stands for the container.
        name: Such as ``"pcm16"``, ``"pcm24"`` or ``"float"``; None for the container's most exact format.

    Raises :class:`~neutone.errors.ConfigurationError` if the container does not have that format.

    >>> subtype_of(Path("take.wav"), "pcm24"), subtype_of(Path("take.flac"), None)
    ('PCM_24', 'PCM_24')
    """
    container = container_of(path)
    if name is None:
        return SUBTYPES.get(container) or str(soundfile.default_subtype(container))
    known: dict[str, str] = {
        subtype.replace("_", "").lower(): subtype for subtype in soundfile.available_subtypes(container)
    }
    found = known.get(name.replace("_", "").lower()) if isinstance(name, str) else None
    if found is None:
        raise ConfigurationError(
            f"subtype is {shown(name)}, expected one of {', '.join(known)} for {path.suffix} files"
        )
    return found


def tags_of(file: soundfile.SoundFile) -> dict[str, str]:
    """Return the tags of a file that is being read: its title, artist and so on."""
    return {name: text for name, text in file.copy_metadata().items() if name in TAGS}


def unclipped_form(path: Path) -> str:
    """Return what to write instead of the integers in a file, for a message."""
    has_floats = "FLOAT" in soundfile.available_subtypes(container_of(path))
    return "subtype='float' (--subtype float)" if has_floats else "a .wav file"


def require_audio_file(path: Path) -> None:
    """Raise :class:`FileNotFoundError`, with the reason, if `path` is not an audio file that exists."""
    if path.is_file():
        return
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(f"no audio file {path}: it is a link to {path.readlink()}, which does not exist")
    reason = ": it is a folder" if path.is_dir() else ": it is a pipe, socket or device" if path.exists() else ""
    raise FileNotFoundError(f"no audio file {path}{reason}")


def open_input(path: Path) -> soundfile.SoundFile:
    """Open an audio file for reading.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.AudioFileError: The file cannot be read.

    Warns:
        neutone.errors.IncompleteAudioWarning: The header promises more audio than the file holds.
    """
    require_audio_file(path)
    try:
        file = soundfile.SoundFile(os.fsencode(path))  # soundfile itself encodes as UTF-8 only
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot read {path}: {error.error_string}") from error
    except TypeError as error:  # soundfile raises it for .raw
        raise AudioFileError(f"cannot read {path}: without a header, its rate and channels are unknown") from error
    share = _missing_share(file.extra_info)
    if share:
        total = file.frames / (1.0 - share) / file.samplerate if share < 1.0 else 0.0
        missing = f"{share * total:.2f} of its {total:.2f} s are missing" if total else "all of its audio is missing"
        warnings.warn(f"{path} is truncated: {missing} at the end", IncompleteAudioWarning, stacklevel=3)
    return file


def _missing_share(log: str) -> float:
    """Return how much of the audio that the header promises is missing, 0..1."""
    found = {match["chunk"]: (int(match["said"]), int(match["there"])) for match in TRUNCATED.finditer(log)}
    for chunk in ("data", "SSND", "BODY", "Data Size", "riff", "Riff size"):
        if chunk in found:
            said, there = found[chunk]
            is_known = said not in UNKNOWN_SIZES
            return 1.0 - there / said if there < said and is_known else 0.0
    return 0.0


@contextmanager
def open_output(
    name: Path,
    path: Path,
    sample_rate: int,
    channels: int,
    frames: int,
    subtype: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[soundfile.SoundFile]:
    """Open a file called `name` for writing at most `frames` frames, in the container that the suffix of `path` stands
    for, in the sample format `subtype`, with the tags that the container can hold.

    Raises :class:`~neutone.errors.AudioFileError` if that is too much for the container or the disk.
    """
    container, subtype, tags = container_of(path), subtype_of(path, subtype), tags or {}
    size = HEADER_BYTES + sum(map(len, tags.values())) * 4 + frames * channels * SAMPLE_BYTES.get(subtype, 4)
    largest = LARGEST_BYTES.get(container, LARGEST_OTHER_BYTES)
    if container not in UNLIMITED and size > largest:
        if container not in LONG_FORM:
            raise AudioFileError(
                f"cannot write {path}: {frames} frames of {channels} channels take {size / 1e9:.1f} GB, and "
                f"{container} holds {largest / 1e9:.1f} GB; .wav, .w64, .caf and .flac hold more"
            )
        container = LONG_FORM[container]
    try:
        file = soundfile.SoundFile(os.fsencode(name), "w", sample_rate, channels, subtype=subtype, format=container)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise AudioFileError(f"cannot write {path} with {channels} channels at {sample_rate} Hz: {error}") from error
    try:
        with file:
            for tag, text in tags.items():
                with contextlib.suppress(soundfile.LibsndfileError):  # some containers have few tags, or none
                    setattr(file, tag, text)
            yield file
            written = file.frames
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot write {path}, is the disk full? ({error.error_string})") from error
    if container in COMPRESSED and written and not _holds(name, written):
        raise AudioFileError(f"cannot write {path}, is the disk full? (it ends before frame {written})")


def clips(file: soundfile.SoundFile) -> bool:
    """Return whether a file that is being written cuts samples beyond full scale: whether it holds integers."""
    return file.subtype not in UNCLIPPED


def _holds(name: Path, frames: int) -> bool:
    """Return whether the file can be read to its last frame."""
    try:
        with soundfile.SoundFile(os.fsencode(name)) as file:
            if file.frames != frames:
                return False
            file.seek(max(0, frames - LAST_FRAMES))
            return len(file.read(LAST_FRAMES, dtype="float32")) == min(frames, LAST_FRAMES)
    except soundfile.LibsndfileError:
        return False
