"""Output files: they never replace an input, are complete whatever their size, and are where the user wants them."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

import neutone
from neutone.errors import AudioFileError, IncompleteAudioWarning, OutputFileError
from neutone.file_replacement import replaced_when_complete
from neutone.rendering.audio_file import open_output
from neutone.rendering.files import write_audio
from support.command_line import assert_one_line, call, write_noise
from support.models import FunctionModel, noise
from support.places import TESTS


def render_file(source: Path, target: Path) -> None:
    neutone.render_file(FunctionModel(), source, target)


# -- inputs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["in", "new/../in"], ["in/a.wav", "./x/../in/a.wav"], ["in", "in/../x/../in"]])
def test_an_output_through_a_folder_that_is_yet_to_be_made_spares_the_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [write_noise(Path("in") / f"{name}.wav", seed=seed) for seed, name in enumerate("ab")]
    before = [path.read_bytes() for path in files]
    assert_one_line(call("render", "amp", *arguments), "overwrite the input")
    assert [path.read_bytes() for path in files] == before
    assert sorted(path.name for path in Path("in").iterdir()) == ["a.wav", "b.wav"]


def test_an_output_that_leads_up_and_elsewhere_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_noise(Path("in/a.wav"))
    result = call("render", "amp", "in", "new/../out")
    assert result.exit_code == 0, result.stderr
    assert Path("out/a.wav").is_file()


def test_a_link_that_appears_after_planning_spares_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first job is rendered, the target of the second becomes a link to an input."""
    from neutone.rendering import files as file_rendering

    first, second = write_noise(tmp_path / "in" / "a.wav"), write_noise(tmp_path / "in" / "b.wav", seed=1)
    before = second.read_bytes()
    whole = file_rendering.render_file

    def meddle(model, source, target, **settings):
        whole(model, source, target, **settings)
        if Path(source) == first:
            (tmp_path / "out" / "b.wav").symlink_to(second)

    monkeypatch.setattr(file_rendering, "render_file", meddle)
    result = call("render", "amp", tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 2
    assert "would overwrite the input" in result.stderr
    assert second.read_bytes() == before


def test_export_spares_the_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    checkpoint = tmp_path / "model.nm"
    checkpoint.write_bytes(b"weights")
    result = call("export", "any.py:Model", tmp_path, "--checkpoint", checkpoint)
    assert_one_line(result, "overwrite the input", "model.nm")
    assert checkpoint.read_bytes() == b"weights"


def test_convert_spares_its_source(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    source, link = tmp_path / "model.nm", tmp_path / "model.onnx"
    source.write_bytes(b"model")
    link.symlink_to(source)
    assert_one_line(call("convert", source, link), "overwrite the input", "model.nm")
    assert source.read_bytes() == b"model"


def test_links_that_lead_to_one_result_are_refused(tmp_path: Path) -> None:
    write_noise(tmp_path / "in" / "x.wav")
    write_noise(tmp_path / "in" / "sub" / "x.wav", seed=1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(".")
    assert_one_line(call("render", "amp", tmp_path / "in", tmp_path / "out"), "both", "would be written to")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sub"]


def test_render_spares_the_model(tmp_path: Path) -> None:
    source, model = write_noise(tmp_path / "in.wav"), tmp_path / "model.wav"
    model.write_bytes(neutone.default_model().read_bytes())
    before = model.read_bytes()
    assert_one_line(call("render", "--backend", "onnx", model, source, model), "overwrite the input")
    assert model.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
def test_a_pipe_with_the_name_of_a_temporary_file_stops_nobody(tmp_path: Path) -> None:
    from neutone.file_replacement import PREFIX

    pipe = tmp_path / f"{PREFIX}0123456789abcdef"
    os.mkfifo(pipe)
    write_audio(tmp_path / "out.wav", noise(1, 100), 48_000)
    assert pipe.is_fifo()


# -- links, pipes ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    real, link, dangling = tmp_path / "takes" / "real.wav", tmp_path / "out.wav", tmp_path / "later.wav"
    write_noise(real, seed=5)
    link.symlink_to(real)
    dangling.symlink_to(Path("takes") / "new.wav")
    for target in (link, dangling):
        render_file(source, target)
        assert target.is_symlink()
        np.testing.assert_array_equal(soundfile.read(target)[0], soundfile.read(source)[0])
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == ["new.wav", "real.wav"]
    assert not real.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
def test_a_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    source, pipe = write_noise(tmp_path / "in.wav"), tmp_path / "out.wav"
    os.mkfifo(pipe)
    with pytest.raises(OutputFileError, match="it is a pipe"):
        render_file(source, pipe)
    assert_one_line(call("render", "amp", source, pipe), "it is a pipe", "expected a file")
    assert pipe.is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="makes links and a pipe")
def test_a_source_that_is_no_file_is_named_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").symlink_to("nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    for name, words in (("broken", "a link to nowhere.wav"), ("pipe", "a pipe"), ("missing", "no audio file")):
        assert_one_line(call("render", "amp", tmp_path / f"{name}.wav", tmp_path / "out.wav"), words)
    source = write_noise(tmp_path / "in.wav")
    assert_one_line(call("render", "amp", source, os.devnull), "expected a name with a suffix")


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_links_in_a_circle_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to(tmp_path / "b.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(OutputFileError, match=r"a\.wav"), replaced_when_complete(tmp_path / "a.wav") as temporary:
        temporary.write_bytes(b"")


# -- large files -------------------------------------------------------------------------------------------------------

HOUR = 3600 * 48_000


@pytest.mark.parametrize(
    ("name", "frames", "expected"), [("a.wav", HOUR, "RF64"), ("a.wav", 1000, "WAV"), ("a.w64", HOUR, "W64")]
)
def test_containers_that_hold_an_hour_of_eight_channels(tmp_path: Path, name: str, frames: int, expected: str) -> None:
    path = tmp_path / name
    with open_output(path, path, 48_000, 8, frames) as file:
        file.write(noise(8, 100).T)
    assert (soundfile.info(path).format, soundfile.info(path).frames) == (expected, 100)


@pytest.mark.parametrize("name", ["a.aiff", "a.au"])
def test_containers_that_do_not_are_refused_before_anything_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = tmp_path / "in.wav"
    write_audio(source, noise(2, 1000), 48_000)
    (tmp_path / name).write_bytes(b"earlier")
    monkeypatch.setattr("neutone.rendering.audio_file.LARGEST_BYTES", {"AIFF": 70_000})
    monkeypatch.setattr("neutone.rendering.audio_file.LARGEST_OTHER_BYTES", 67_000)
    with pytest.raises(AudioFileError, match=r"1000 frames of 2 channels take .* \.wav, \.w64"):
        render_file(source, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"earlier"


@pytest.mark.long
def test_a_wav_file_just_above_4_gib_is_whole(tmp_path: Path) -> None:
    channels, block = 512, np.zeros((1 << 15, 512), np.float32)
    blocks = (1 << 32) // block.nbytes + 1
    if shutil.disk_usage(tmp_path).free < 4 * (1 << 32):
        pytest.skip("needs 16 GiB of free disk")
    path = tmp_path / "large.wav"
    try:
        with open_output(path, path, 48_000, channels, blocks * len(block)) as file:
            for _ in range(blocks - 1):
                file.write(block)
            block[-1, -1] = 0.5
            file.write(block)
        assert path.stat().st_size > 1 << 32
        with soundfile.SoundFile(path) as file:
            assert file.frames == blocks * len(block)
            file.seek(file.frames - 2)
            last = file.read(10, dtype="float32")
        assert last.shape == (2, channels)
        assert last[-1, -1] == 0.5
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="limits file sizes")
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("missing", [1, 200, 3000])
def test_a_disk_that_is_full_at_the_last_byte_loses_nothing(tmp_path: Path, suffix: str, missing: int) -> None:
    """libsndfile writes the last block of a compressed file when it is closed, and does not report if that fails."""
    source, target = write_noise(tmp_path / "in.wav", frames=200_000), tmp_path / f"out{suffix}"
    render_file(source, target)
    whole = target.read_bytes()
    code = (
        "import resource, signal, sys, neutone\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from support.models import FunctionModel\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole) - missing},) * 2)\n"
        f"neutone.render_file(FunctionModel(), {str(source)!r}, {str(target)!r})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    assert "is the disk full?" in result.stderr
    assert target.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", target.name]


@pytest.mark.parametrize("suffix", [".sd2", ".sds", ".htk", ".wve", ".xi", ".svx", ".mpc2k", ".raw"])
def test_containers_that_change_the_audio_are_refused(tmp_path: Path, suffix: str) -> None:
    source = write_noise(tmp_path / "in.wav")
    assert_one_line(call("render", "amp", source, tmp_path / f"out{suffix}"), "expected one of .wav, .flac")


def test_a_long_array_as_ogg(tmp_path: Path) -> None:
    write_audio(tmp_path / "out.ogg", np.zeros((1, 3_000_000), np.float32), 44_100)
    assert soundfile.info(tmp_path / "out.ogg").frames == 3_000_000


# -- truncated inputs --------------------------------------------------------------------------------------------------


def cut(path: Path) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 4])
    return path


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".au", ".w64", ".rf64"])
def test_a_truncated_file_is_rendered_as_far_as_it_goes_and_says_so(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.wav"
    write_audio(source, noise(2, 96_000), 48_000)
    cut(source)
    with pytest.warns(
        IncompleteAudioWarning, match=r"in\.\w+ is truncated: 1\.50 of its 2\.00 s are missing at the end"
    ):
        render_file(source, target)
    np.testing.assert_array_equal(soundfile.read(target)[0], soundfile.read(source)[0])
    assert abs(soundfile.info(target).frames - 24_000) < 20


def test_render_names_every_truncated_file_of_a_folder(tmp_path: Path) -> None:
    for name in "abc":
        write_noise(tmp_path / "in" / f"{name}.wav", frames=48_000)
    for name in "ac":
        cut(tmp_path / "in" / f"{name}.wav")
    result = call("render", "amp", tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    for name, line in zip("ac", lines, strict=True):
        assert line.startswith("neutone: warning: ")
        assert f"{name}.wav is truncated: 0.75 of its 1.00 s are missing" in line


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_was_not_known_is_no_truncation(tmp_path: Path, size: int) -> None:
    """Programs that write WAV into a pipe write such sizes."""
    path = tmp_path / "in.wav"
    write_audio(path, noise(1, 5000), 48_000)
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render_file(path, tmp_path / "out.wav")
