"""Offline rendering of arrays and files, with the delay compensated."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import neutone
from neutone import errors
from neutone.rendering.files import write_audio
from support.models import FunctionModel, knob, multiply, noise
from support.places import TESTS


@given(
    frames=st.integers(0, 3_000),
    channels=st.integers(1, 3),
    block=st.integers(1, 700),
    model_block=st.integers(1, 900) | st.none(),
    delay=st.integers(0, 50),
)
def test_same_length_and_no_delay(frames, channels, block, model_block, delay):
    def late(audio, params, out):
        joined = np.concatenate([late.history, audio], axis=1)
        out[...] = joined[:, : out.shape[1]]
        late.history = joined[:, joined.shape[1] - delay :]

    late.history = np.zeros((channels, delay), np.float32)
    model = FunctionModel(
        late, channels=(channels, channels), blocks=[] if model_block is None else [model_block], delay=delay
    )
    audio = noise(channels, frames)
    np.testing.assert_array_equal(neutone.render(model, audio, 48_000, block_size=block), audio)


def test_mono_arrays_and_progress():
    seen = []
    audio = noise(1, 10_000)[0]
    out = neutone.render(FunctionModel(rates=[44_100]), audio, 48_000, progress=seen.append)
    assert out.shape == audio.shape
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_through_another_rate():
    frames = np.arange(48_000)
    sine = (0.5 * np.sin(2 * np.pi * 997 * frames / 48_000)).astype(np.float32)
    out = neutone.render(FunctionModel(channels=(1, 1), rates=[44_100], blocks=[512]), sine, 48_000)
    middle = slice(2_000, -2_000)
    error = 10 * np.log10((sine[middle] ** 2).mean() / ((out - sine)[middle] ** 2).mean())
    assert error > 100


def test_params_by_name_and_by_curve():
    model = FunctionModel(multiply, rates=[48_000], blocks=[300], parameters=[knob()])
    audio, curve = noise(2, 5_000), np.random.default_rng(3).random((1, 5_000), np.float32)
    np.testing.assert_allclose(neutone.render(model, audio, 48_000, params=curve), audio * curve, atol=1e-7)
    np.testing.assert_array_equal(neutone.render(model, audio, 48_000, params={"amount": 0.25}), audio * 0.25)
    mixed = neutone.render(model, audio, 48_000, params={"amount": 0.0}, dry=0.5)
    np.testing.assert_allclose(mixed, audio * 0.5, atol=1e-7)


@pytest.mark.parametrize(
    ("audio", "error"),
    [
        (np.zeros((2, 100), np.int64), TypeError),
        (np.zeros((2, 100), complex), TypeError),
        (np.zeros((2, 100), bool), TypeError),
        ([[0, 1]], TypeError),
        ("audio", TypeError),
        (None, TypeError),
        ([[0.0], [0.0, 0.1]], ValueError),
        (np.zeros((1, 2, 3), np.float32), ValueError),
        (np.zeros((0, 3), np.float32), ValueError),
    ],
)
def test_wrong_audio(audio, error):
    with pytest.raises(error) as caught:
        neutone.render(FunctionModel(), audio, 48_000)
    assert isinstance(caught.value, errors.NeutoneError)


def test_wrong_curves():
    model = FunctionModel(multiply, parameters=[knob()])
    with pytest.raises(ValueError, match=r"\(1, 100\)"):
        neutone.render(model, noise(2, 100), 48_000, params=np.zeros((1, 99), np.float32))


@pytest.mark.parametrize(("suffix", "least_error"), [(".wav", 140), (".flac", 130), (".aiff", 140), (".ogg", 15)])
def test_files_keep_rate_length_and_channels(tmp_path, suffix, least_error):
    audio = np.cumsum(noise(2, 44_100, level=0.01), axis=1)
    audio /= 2 * np.abs(audio).max()
    write_audio(tmp_path / "in.wav", audio, 44_100)
    neutone.render_file(FunctionModel(rates=[44_100], blocks=[1000]), tmp_path / "in.wav", tmp_path / f"out{suffix}")
    out, rate = soundfile.read(tmp_path / f"out{suffix}", dtype="float32", always_2d=True)
    assert (rate, out.shape) == (44_100, (44_100, 2))
    assert 10 * np.log10((audio**2).mean() / max(((out.T - audio) ** 2).mean(), 1e-20)) > least_error
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_render_that_fails_leaves_the_old_file(tmp_path):
    def fail(audio, params, out):
        raise RuntimeError("half way")

    write_audio(tmp_path / "in.wav", noise(1, 9_000), 48_000)
    (tmp_path / "out.wav").write_bytes(b"precious")
    with pytest.raises(errors.InferenceError, match="half way"):
        neutone.render_file(FunctionModel(fail), tmp_path / "in.wav", tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "out.wav"]


def test_files_that_cannot_be(tmp_path):
    model = FunctionModel()
    write_audio(tmp_path / "in.wav", noise(1, 900), 48_000)
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(FileNotFoundError, match=r"nothing\.wav"):
        neutone.render_file(model, tmp_path / "nothing.wav", tmp_path / "out.wav")
    with pytest.raises(OSError, match=r"text\.wav"):
        neutone.render_file(model, tmp_path / "text.wav", tmp_path / "out.wav")
    with pytest.raises(ValueError, match=r"\.txt"):
        neutone.render_file(model, tmp_path / "in.wav", tmp_path / "out.txt")
    with pytest.raises(OSError, match="no_folder"):
        neutone.render_file(model, tmp_path / "in.wav", tmp_path / "no_folder" / "out.wav")
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(tmp_path):
    """Render a 5-minute stereo file (115 MB as float) in a process that may take 40 MB more than it starts with."""
    with soundfile.SoundFile(tmp_path / "long.flac", "w", 48_000, 2, subtype="PCM_16") as file:
        second = (noise(48_000, 2) * 32_000).astype(np.int16)
        for _ in range(300):
            file.write(second)
    code = f"""
import resource, sys
sys.path.insert(0, {str(TESTS)!r})
import neutone
from support.models import FunctionModel
neutone.render_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
neutone.render_file(FunctionModel(), {str(tmp_path / "long.flac")!r}, {str(tmp_path / "out.flac")!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40 * 1024
    assert soundfile.info(tmp_path / "out.flac").frames == 300 * 48_000


def test_curves_hold_their_last_value_behind_the_end():
    """The output's last frames come from model frames after the end of the input."""

    def answer_params(audio, params, out):
        out[...] = params[0]

    model = FunctionModel(answer_params, rates=[44_100], blocks=[300], parameters=[knob(default=0.0)])
    silence, ones = np.zeros((2, 5_000), np.float32), np.ones((1, 5_000), np.float32)
    out = neutone.render(model, silence, 48_000, params=ones, block_size=100)
    np.testing.assert_allclose(out[:, 100:], 1.0, atol=1e-4)


def test_a_source_that_ends_early_is_an_error(tmp_path):
    write_audio(tmp_path / "whole.ogg", noise(2, 100_000), 48_000)
    whole = (tmp_path / "whole.ogg").read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 4_000] = bytes(4_000)
    (tmp_path / "damaged.ogg").write_bytes(damaged)
    (tmp_path / "out.wav").write_bytes(b"precious")
    with pytest.raises(OSError, match=r"damaged\.ogg"):
        neutone.render_file(FunctionModel(), tmp_path / "damaged.ogg", tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == b"precious"


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac"])
def test_whole_compressed_sources_are_none(tmp_path, suffix):
    write_audio(tmp_path / f"in{suffix}", noise(2, 50_000), 48_000)
    neutone.render_file(FunctionModel(), tmp_path / f"in{suffix}", tmp_path / "out.wav")
    assert soundfile.info(tmp_path / "out.wav").frames == soundfile.info(tmp_path / f"in{suffix}").frames


def test_names_that_are_no_text_and_long_names(tmp_path):
    odd = tmp_path / os.fsdecode(b"2\xff.wav")
    long = tmp_path / ("n" * 240 + ".wav")
    write_audio(odd, noise(1, 900), 48_000)
    neutone.render_file(FunctionModel(), odd, long)
    assert soundfile.info(long).frames == 900


def test_new_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    write_audio(tmp_path / "out.wav", noise(1, 900), 48_000)
    assert (tmp_path / "out.wav").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_is_no_target(tmp_path):
    write_audio(tmp_path / "in.wav", noise(1, 900), 48_000)
    (tmp_path / "out.wav").mkdir()
    with pytest.raises(OSError, match="is a folder"):
        neutone.render_file(FunctionModel(), tmp_path / "in.wav", tmp_path / "out.wav")


def test_transposed_audio_is_asked_about():
    with pytest.raises(ValueError, match="transposed"):
        neutone.render(FunctionModel(), np.zeros((48_000, 2), np.float32), 48_000)


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_curves_outside_of_0_to_1_are_an_error(value):
    curves = np.full((1, 500), 0.5, np.float32)
    curves[0, 250] = value
    model = FunctionModel(parameters=[knob("gain")])
    with pytest.raises(errors.ParameterError, match=r"params has values from .*, expected curves from 0 to 1"):
        neutone.render(model, noise(1, 500), 48_000, params=curves)
