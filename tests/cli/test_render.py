"""``neutone render``: what it writes, to which paths, and what it leaves alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import neutone
from support.command_line import PLAIN_ENVIRONMENT, assert_one_line, call, read, write_noise

pytest.importorskip("onnxruntime")


def rendered(source: Path, **settings: Any) -> Any:
    audio, rate = soundfile.read(source, dtype="float32", always_2d=True)
    return neutone.render(neutone.load(neutone.default_model()), audio.T.copy(), rate, **settings)


# -- render ------------------------------------------------------------------------------------------------------------


def test_render_one_file_is_what_render_answers(tmp_path: Path) -> None:
    source, target = write_noise(tmp_path / "in.wav", channels=2, rate=44_100), tmp_path / "out.wav"
    options = ["--param", "drive=0.9", "-p", "tone=0.2", "--wet", "0.5", "--dry", "0.25"]
    options += ["--input-gain", "-6", "--output-gain", "3", "--resampler", "hermite", "--block", "300"]
    result = call("render", "amp", source, target, *options)
    assert result.exit_code == 0, result.stderr
    assert "out.wav" in result.stdout
    assert "RTF" in result.stdout
    levels = {"wet": 0.5, "dry": 0.25, "input_gain_db": -6.0, "output_gain_db": 3.0}
    expected = rendered(source, params={"drive": 0.9, "tone": 0.2}, resampler="hermite", block_size=300, **levels)
    np.testing.assert_array_equal(read(target), expected)


def test_render_replaces_an_earlier_result(tmp_path: Path) -> None:
    source, target = write_noise(tmp_path / "in.wav"), tmp_path / "out.wav"
    target.write_text("earlier")
    assert call("render", "amp", source, target).exit_code == 0
    assert read(target).shape == (1, 6000)


def test_render_folder_keeps_structure_and_suffixes(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "deep" / "out"
    write_noise(folder / "a.wav")
    write_noise(folder / "drums" / "b.FLAC")
    write_noise(folder / ".hidden" / "c.wav")
    (folder / "notes.txt").write_text("not audio")
    result = call("render", "amp", folder, out)
    assert result.exit_code == 0, result.stderr
    assert "2 files" in result.stdout
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == ["a.wav", str(Path("drums", "b.FLAC"))]


def test_render_into_the_searched_folder_skips_earlier_results(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav")
    for _ in range(2):
        result = call("render", "amp", tmp_path, tmp_path / "out", "--format", "flac")
        assert result.exit_code == 0, result.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["a.flac"]
    assert soundfile.info(tmp_path / "out" / "a.flac").frames == 6000


def test_render_many_files(tmp_path: Path) -> None:
    sources = [write_noise(tmp_path / f"{name}.wav", seed=seed) for seed, name in enumerate("abc")]
    result = call("render", "amp", *sources, tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    for source in sources:
        np.testing.assert_array_equal(read(tmp_path / "out" / source.name), rendered(source))


def test_render_goes_on_after_bad_files(tmp_path: Path) -> None:
    good = [write_noise(tmp_path / name) for name in ("a.wav", "z.wav")]
    bad = tmp_path / "b.wav"
    bad.write_bytes(b"not audio" * 20)
    slow = write_noise(tmp_path / "c.wav", rate=500)
    out = tmp_path / "out"
    result = call("render", "amp", good[0], bad, slow, tmp_path / "missing.wav", good[1], out)
    assert result.exit_code == 2
    complaints = result.stderr.splitlines()
    assert len(complaints) == 4
    for name, line in zip(("b.wav", "c.wav", "missing.wav", "3 of 5"), complaints, strict=True):
        assert line.startswith("neutone: ")
        assert name in line
    assert "2 files" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == ["a.wav", "z.wav"]


def test_render_of_a_damaged_file_leaves_nothing(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.flac", frames=50_000)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    assert_one_line(call("render", "amp", source, tmp_path / "out.wav"), "in.flac")
    assert [path.name for path in tmp_path.iterdir()] == ["in.flac"]


def test_render_never_overwrites_an_input(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    before = source.read_bytes()
    link = tmp_path / "link.wav"
    link.symlink_to(source)
    for target in (source, tmp_path, link):
        assert_one_line(call("render", "amp", source, target), "overwrite the input", "in.wav")
    assert_one_line(call("render", "amp", tmp_path, tmp_path), "overwrite the input")
    assert source.read_bytes() == before


def test_render_refuses_ambiguous_outputs(tmp_path: Path) -> None:
    first, second = write_noise(tmp_path / "x" / "a.wav"), write_noise(tmp_path / "y" / "a.wav")
    assert_one_line(call("render", "amp", first, second, tmp_path / "out"), "both", "written to")
    assert_one_line(call("render", "amp", tmp_path / "x", tmp_path / "y" / "a.wav"), "expected a folder")
    assert_one_line(call("render", "amp", first, tmp_path / "out.wav", "--format", "flac"), "--format")
    (tmp_path / "empty").mkdir()
    assert_one_line(call("render", "amp", tmp_path / "empty", tmp_path / "out"), "no audio files")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-p", "dirve=1"], ["dirve", "drive, tone"]),
        (["-p", "drive=loud"], ["drive", "'loud'", "0 to 1"]),
        (["-p", "drive=nan"], ["drive", "nan"]),
        (["-p", "drive=7"], ["drive", "0 to 1"]),
        (["-p", "drive"], ["--param", "name=value"]),
        (["--wet", "2"], ["wet", "0 to 1"]),
        (["--dry", "nan"], ["dry"]),
        (["--input-gain", "40"], ["input_gain", "-30 to 30"]),
        (["--block", "0"], ["block_size"]),
        (["--resampler", "best"], ["resampler", "linear, hermite, sinc"]),
        (["--taps", "1000"], ["taps"]),
    ],
)
def test_render_refuses_wrong_settings_before_the_first_file(
    tmp_path: Path, options: list[str], words: list[str]
) -> None:
    sources = [write_noise(tmp_path / name) for name in ("a.wav", "b.wav")]
    assert_one_line(call("render", "amp", *sources, tmp_path / "out", *options), *words)
    assert not (tmp_path / "out").exists()


def test_render_refuses_outputs_that_are_no_audio(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    assert_one_line(call("render", "amp", source, tmp_path / "out.txt"), "out.txt", ".wav")
    assert_one_line(call("render", "amp", source, tmp_path / "out.raw"), "out.raw", ".wav")
    raw = tmp_path / "in.raw"
    raw.write_bytes(bytes(1000))
    assert_one_line(call("render", "amp", raw, tmp_path / "out.wav"), "in.raw")


def test_labels_stay_text_and_numbers_become_numbers() -> None:
    from neutone.cli.options import read_parameters
    from neutone.engine.parameter_set import ParameterSet
    from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter

    declared = ParameterSet(
        [
            CategoricalNeutoneParameter("size", n_values=2, labels=["20", "40"]),
            CategoricalNeutoneParameter("mode", n_values=3),
            ContinuousNeutoneParameter("gain", default_value=0.0, min_value=-10.0, max_value=10.0),
        ]
    )
    values = read_parameters(["size=40", "mode=2", "gain=-3.5"], declared)
    assert values == {"size": "40", "mode": "2", "gain": -3.5}
    declared.update(values)
    assert dict(declared) == {"size": "40", "mode": "2", "gain": -3.5}


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_control_c_leaves_no_half_files(tmp_path: Path) -> None:
    source, out = tmp_path / "long.wav", tmp_path / "out"
    soundfile.write(source, np.zeros(600 * 48_000, np.int16), 48_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "neutone.cli", "render", "amp", str(source), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=PLAIN_ENVIRONMENT,
    )
    deadline = time.monotonic() + 30.0
    while not (out.exists() and any(out.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaints == "neutone: interrupted\n"
    assert list(out.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits file sizes")
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    source = write_noise(tmp_path / "in.wav", frames=50_000)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from neutone.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "render", "amp", str(source), str(tmp_path / f"out{suffix}")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=PLAIN_ENVIRONMENT)
    assert_one_line(result, "cannot write", f"out{suffix}", "disk")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
