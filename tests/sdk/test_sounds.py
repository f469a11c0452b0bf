"""Sounds inside a saved model: they are written, and read back."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from neutone.errors import AudioFileError, ShapeError

torch = pytest.importorskip("torch")

from neutone.sdk import AudioSample, AudioSamplePair, SampleQueueWrapper, default_audio_samples, render_sample  # noqa: E402
from support.saving import Clip, Delayed, save  # noqa: E402


def decoded(mp3: bytes) -> tuple[Any, int]:
    audio, rate = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    return audio.T, rate


def test_default_samples(tmp_path: Path) -> None:
    report = save(Clip(), tmp_path, dump_samples=True)
    (pair,) = report.metadata["sample_sound_files"]
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["sample_in_0.mp3", "sample_out_0.mp3"]
    assert (tmp_path / "samples" / "sample_out_0.mp3").read_bytes() == base64.b64decode(pair["out"])
    heard, rate = decoded(base64.b64decode(pair["out"]))
    expected = render_sample(SampleQueueWrapper(Clip()), default_audio_samples()[0])
    assert rate == expected.sr
    n = min(heard.shape[1], expected.audio.size(1))
    assert np.corrcoef(heard[0, :n], expected.audio[0, :n].numpy())[0, 1] > 0.99
    assert "sample_sound_files" not in json.loads((tmp_path / "metadata.json").read_text())


@pytest.mark.long
def test_samples_of_ones_own(tmp_path: Path) -> None:
    pairs = [AudioSamplePair(AudioSample(torch.rand(2, 9600) - 0.5, 48_000), tone(48_000)) for _ in range(4)]
    report = save(Clip(), tmp_path, audio_sample_pairs=pairs)
    assert len(report.metadata["sample_sound_files"]) == 3
    assert not (tmp_path / "samples").exists()
    report = save(Clip(), tmp_path, audio_sample_pairs=pairs, max_n_samples=2, dump_samples=True)
    assert len(report.metadata["sample_sound_files"]) == 2
    assert len(list((tmp_path / "samples").iterdir())) == 4
    assert save(Clip(), tmp_path, dump_samples=True, max_n_samples=0).metadata["sample_sound_files"] == []


def tone(rate: int) -> AudioSample:
    return AudioSample(0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(rate) / rate)[None], rate)


@pytest.mark.parametrize(("rate", "in_mp3"), [(44_100, 44_100), (96_000, 48_000)])
def test_mp3(rate: int, in_mp3: int) -> None:
    audio, found = decoded(tone(rate).to_mp3_bytes())
    assert found == in_mp3
    spectrum = np.abs(np.fft.rfft(audio[0, :in_mp3]))
    assert abs(int(spectrum.argmax()) * in_mp3 / len(audio[0, :in_mp3]) - 440) < 2


def test_samples_come_back(tmp_path: Path) -> None:
    sample = tone(44_100)
    (tmp_path / "tone.mp3").write_bytes(sample.to_mp3_bytes())
    for found in (AudioSample.from_file(tmp_path / "tone.mp3"), AudioSample.from_b64(sample.to_mp3_b64())):
        assert found.sr == 44_100
        assert found.is_mono()
    with pytest.raises(AudioFileError, match="not an audio file"):
        AudioSample.from_bytes(b"noise")
    with pytest.raises(ShapeError, match="expected"):
        AudioSample(torch.zeros(3, 10), 48_000)


def test_render_sample_is_not_late() -> None:
    rendered = render_sample(SampleQueueWrapper(Delayed()), tone(48_000))
    assert torch.allclose(rendered.audio, tone(48_000).audio, atol=1e-6)
