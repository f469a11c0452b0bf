"""What a render would lose in silence is said in one warning, with what avoids it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import neutone
from neutone.errors import AudioWarning, CancelledAudioWarning, ClippedAudioWarning, NonFiniteAudioWarning
from neutone.rendering.files import write_audio
from support.models import FunctionModel, noise


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    audio = noise(2, 5_000)
    audio[0, 7], audio[1, 4_000:4_002] = np.nan, np.inf
    with pytest.warns(NonFiniteAudioWarning, match="audio has 3 samples that were NaN or infinite"):
        out = neutone.render(FunctionModel(), audio, 48_000)
    np.testing.assert_array_equal(out, np.where(np.isfinite(audio), audio, 0.0))
    soundfile.write(tmp_path / "in.wav", audio.T, 48_000, subtype="FLOAT")
    with pytest.warns(NonFiniteAudioWarning, match=r"in\.wav has 3 samples"):
        neutone.render_file(FunctionModel(), tmp_path / "in.wav", tmp_path / "out.wav")
    with pytest.warns(NonFiniteAudioWarning, match="1 sample that was NaN"):
        neutone.render(FunctionModel(channels=(1, 1)), [0.0, 1e300], 48_000)


def test_a_models_output_that_is_no_number() -> None:
    model = FunctionModel(lambda audio, params, out: out.fill(np.nan), channels=(1, 1))
    with pytest.warns(NonFiniteAudioWarning, match="of the model's output were NaN"):
        assert not neutone.render(model, noise(1, 100), 48_000).any()


def test_clipping_in_a_file_of_integers(tmp_path: Path) -> None:
    audio = np.zeros((1, 1_000), np.float32)
    audio[0, 100:200] = 2.0
    write_audio(tmp_path / "in.wav", audio, 48_000)
    model = FunctionModel(channels=(1, 1))
    with pytest.warns(ClippedAudioWarning, match=r"out\.flac: 100 samples clipped, by up to 6\.0 dB; .*-6\.1.*\.wav"):
        neutone.render_file(model, tmp_path / "in.wav", tmp_path / "out.flac")
    neutone.render_file(model, tmp_path / "in.wav", tmp_path / "out.flac", output_gain_db=-6.1)
    neutone.render_file(model, tmp_path / "in.wav", tmp_path / "out.wav")
    assert soundfile.read(tmp_path / "out.wav")[0].max() == 2.0


def test_channels_in_opposite_phase(tmp_path: Path) -> None:
    mono = FunctionModel(channels=(1, 1))
    one = noise(1, 5_000)
    opposite = np.concatenate([one, -one])
    with pytest.warns(CancelledAudioWarning, match="loses everything; channels='dual'"):
        neutone.render(mono, opposite, 48_000)
    almost = np.concatenate([one, -0.9 * one])  # the mix has a twentieth of the amplitude
    with pytest.warns(CancelledAudioWarning, match="loses 26 dB"):
        neutone.render(mono, almost, 48_000)
    neutone.render(mono, noise(2, 5_000), 48_000)  # unrelated channels lose 3 dB, which is no reason to warn
    neutone.render(mono, np.concatenate([one, -0.7 * one]), 48_000)
    neutone.render(mono, opposite, 48_000, channels="dual")
    neutone.render(FunctionModel(channels=(2, 2)), opposite, 48_000)
    write_audio(tmp_path / "in.wav", opposite, 48_000)
    with pytest.warns(AudioWarning, match=r"in\.wav: the channels have opposite phase"):
        neutone.render_file(mono, tmp_path / "in.wav", tmp_path / "out.wav")
