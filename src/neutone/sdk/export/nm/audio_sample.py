"""Sounds that demonstrate a model, in the form in which they are kept inside its file."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import soundfile
import torch
from torch import Tensor

from neutone._core import Resampler
from neutone.errors import AudioFileError, ShapeError

MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
FALLBACK_RATE = 48_000
TAPS = 128


@dataclass(frozen=True)
class AudioSample:
    """A sound with its sample rate.

    Attributes:
        audio: The sound, float32 of shape (1 or 2 channels, frames).
        sr: The sample rate in Hz.

    >>> AudioSample(torch.zeros(1, 4800), 48_000).is_mono()
    True
    """

    audio: Tensor
    sr: int

    def __post_init__(self) -> None:
        if self.audio.ndim != 2 or self.audio.size(0) not in (1, 2):
            raise ShapeError(f"a sample has shape {tuple(self.audio.shape)}, expected (1 or 2 channels, frames)")

    def is_mono(self) -> bool:
        """Return True if the sound has one channel, False if it has two."""
        return self.audio.size(0) == 1

    def to_mp3_bytes(self) -> bytes:
        """Return the sound as an MP3 file. If MP3 does not support its sample rate, it is resampled to 48 kHz."""
        audio, rate = self.audio.detach().to(torch.float32).contiguous().numpy(), self.sr
        if rate not in MP3_RATES:
            rate = FALLBACK_RATE
            resampler = Resampler(self.sr, rate, taps=TAPS, channels=len(audio))
            audio = resampler.process(np.pad(audio, ((0, 0), (0, resampler.lookahead))))
        file = io.BytesIO()
        soundfile.write(file, audio.T, rate, format="MP3")
        return file.getvalue()

    def to_mp3_b64(self) -> str:
        """Return the sound as an MP3 file in base64."""
        return base64.b64encode(self.to_mp3_bytes()).decode()

    @classmethod
    def from_bytes(cls, bytes_: bytes) -> Self:
        """Read a sound from the bytes of an audio file.
        Raises :class:`~neutone.errors.AudioFileError` if they are not one."""
        try:
            audio, rate = soundfile.read(io.BytesIO(bytes_), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"the sample is not an audio file: {error.error_string}") from error
        return cls(torch.from_numpy(audio.T.copy()), rate)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a sound from an audio file."""
        return cls.from_bytes(Path(path).read_bytes())

    @classmethod
    def from_b64(cls, b64_sample: str) -> Self:
        """Read a sound from an audio file in base64."""
        return cls.from_bytes(base64.b64decode(b64_sample))


@dataclass(frozen=True)
class AudioSamplePair:
    """A pair of sounds that demonstrates a model.

    Attributes:
        input: A sound for the model.
        output: The model's output for it.
    """

    input: AudioSample
    output: AudioSample

    def to_metadata_format(self) -> dict[str, str]:
        """Return the pair as an entry of ``sample_sound_files``: MP3 in base64."""
        return {"in": self.input.to_mp3_b64(), "out": self.output.to_mp3_b64()}
