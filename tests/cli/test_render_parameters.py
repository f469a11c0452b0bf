"""``neutone render``: parameters that change over time, channels kept apart, and warnings about lost audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import neutone
from neutone.rendering.files import write_audio
from support.command_line import assert_one_line, call, read, write_noise
from support.models import noise

pytest.importorskip("onnxruntime")


def amp() -> neutone.plugins.Model:  # type: ignore[name-defined]
    return neutone.load(neutone.default_model())


@pytest.mark.parametrize("ramp", ["drive=0..1@0.1s", "drive=0..1@100ms", "drive = 0 .. 1 @ 0.1 s", "drive=0.0..1@0.1"])
def test_a_ramp(tmp_path: Path, ramp: str) -> None:
    source = write_noise(tmp_path / "in.wav", channels=1, rate=48_000)
    result = call("render", "amp", source, tmp_path / "out.wav", "-p", ramp, "-p", "tone=0.3")
    assert result.exit_code == 0, result.stderr
    expected = amp()(read(source), 48_000, drive=[(0.0, 0.0), (0.1, 1.0)], tone=0.3)
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), expected)


def test_curves_from_files(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav", channels=1, rate=48_000)
    frames = read(source).shape[1]
    points = tmp_path / "points.csv"
    points.write_text("seconds, drive\n# a comment\n0, 0.2\n\n0.05, 0.9\n")
    values = tmp_path / "values.csv"
    curve = np.random.default_rng(0).uniform(0.0, 1.0, frames)
    values.write_text("\n".join(map(repr, curve.tolist())))
    options = ["--curve", f"drive={points}", "--curve", f"tone={values}"]
    result = call("render", "amp", source, tmp_path / "out.wav", *options)
    assert result.exit_code == 0, result.stderr
    expected = amp()(read(source), 48_000, drive=[(0.0, 0.2), (0.05, 0.9)], tone=curve)
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-p", "drive=0..1"], ["drive", "'0..1'", "0 to 1"]),
        (["-p", "drive=a..b@2s"], ["drive", "'a..b@2s'", "FIRST..LAST@SECONDS"]),
        (["-p", "drive=0..7@2s"], ["drive", "7.0", "0 to 1"]),
        (["-p", "drive=0..1@-2s"], ["drive", "times from 0 on"]),
        (["-p", "drive=0..1@2s", "-p", "drive=1"], ["--param", "drive"]),
        (["-p", "gain=0..1@2s"], ["gain", "drive, tone"]),
        (["--curve", "drive"], ["--curve", "NAME=FILE.csv"]),
        (["--curve", "drive=nothing.csv"], ["nothing.csv", "No such file"]),
        (["--curve", "drive=empty.csv"], ["empty.csv", "is empty"]),
        (["--curve", "drive=odd.csv"], ["line 2", "odd.csv", "SECONDS,VALUE"]),
        (["--curve", "drive=binary.csv"], ["binary.csv", "not a text file"]),
        (["--curve", "drive=short.csv"], ["drive", "(2,)", "(6000,)"]),
        (["--curve", "drive=short.csv", "-p", "drive=1"], ["--curve", "drive", "--param already"]),
    ],
)
def test_curves_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_noise(tmp_path / "in.wav")
    Path("empty.csv").write_text("\n")
    Path("odd.csv").write_text("0,1\n2\n")
    Path("binary.csv").write_bytes(b"\xff\xfe\x00")
    Path("short.csv").write_text("0.5\n0.6\n")
    assert_one_line(call("render", "amp", source, "out.wav", *options), *words)
    assert not Path("out.wav").exists()


def test_dual_keeps_stereo(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav", channels=2, rate=48_000)
    result = call("render", "amp", source, tmp_path / "out.wav", "--channels", "dual")
    assert result.exit_code == 0, result.stderr
    out = read(tmp_path / "out.wav")
    for channel in range(2):
        np.testing.assert_array_equal(out[channel], amp()(read(source)[channel], 48_000))


def test_losses_are_warned_about_and_strict_makes_them_errors(tmp_path: Path) -> None:
    one = noise(1, 6_000)
    opposite = np.concatenate([one, -one])
    opposite[0, 3] = np.nan
    folder = tmp_path / "in"
    folder.mkdir()
    soundfile.write(folder / "opposite.wav", opposite.T, 48_000, subtype="FLOAT")
    write_audio(folder / "whole.wav", one, 48_000)
    result = call("render", "amp", folder, tmp_path / "out")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert len(lines) == 2, lines
    assert all(line.startswith("neutone: warning: ") and "opposite.wav" in line for line in lines)
    assert "1 sample that was NaN or infinite" in lines[0]
    assert "--channels dual" in lines[1]
    result = call("render", "amp", folder, tmp_path / "strict", "--strict")
    assert result.exit_code == 2
    assert [path.name for path in (tmp_path / "strict").iterdir()] == ["whole.wav"]
    assert "opposite.wav has 1 sample that was NaN" in result.stderr.splitlines()[0]
    assert "unexpected" not in result.stderr


def test_a_clipped_flac_says_which_gain_avoids_it(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav", rate=48_000)
    result = call("render", "amp", source, tmp_path / "out.flac", "--dry", "1", "--output-gain", "20")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert "out.flac" in line
    assert "clipped, by up to" in line
    gain = line.split("--output-gain ")[1].split(")")[0]
    result = call("render", "amp", source, tmp_path / "out.flac", "--dry", "1", "--output-gain", gain, "--strict")
    assert (result.exit_code, result.stderr) == (0, "")


def test_models_in_a_row(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav", rate=44_100)
    other = tmp_path / "other.onnx"
    other.write_bytes(neutone.default_model().read_bytes())
    result = call("render", f"amp+{other}", source, tmp_path / "out.wav", "-p", "drive_2=0.9")
    assert result.exit_code == 0, result.stderr
    expected = neutone.Chain([amp(), amp()])(read(source), 44_100, drive_2=0.9)
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), expected)
    assert_one_line(call("render", f"amp+{other}", source, tmp_path / "out.wav", "-p", "drive=0.9"), "drive_1, tone_1")
    assert_one_line(call("render", f"amp+{other}", source, other), "overwrite the input", "other.onnx")
    assert_one_line(call("render", "amp+missing.onnx", source, tmp_path / "out.wav"), "missing.onnx")


def test_a_file_with_a_plus_in_its_name_is_one_model(tmp_path: Path) -> None:
    source, model = write_noise(tmp_path / "in.wav"), tmp_path / "a+b.onnx"
    model.write_bytes(neutone.default_model().read_bytes())
    result = call("render", model, source, tmp_path / "out.wav", "-p", "drive=0.9")
    assert result.exit_code == 0, result.stderr
