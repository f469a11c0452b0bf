"""``neutone render``: sample formats, tags, pipes, several processes, and playing the result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

import neutone
from neutone.errors import ConfigurationError
from support.command_line import PLAIN_ENVIRONMENT, assert_one_line, call, read, write_noise
from support.models import FunctionModel

pytest.importorskip("onnxruntime")

COMMAND = [sys.executable, "-m", "neutone.cli", "render", "amp"]


# -- sample formats and tags -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "given", "written"),
    [
        (".wav", "pcm16", "PCM_16"),
        (".wav", "PCM_24", "PCM_24"),
        (".wav", "double", "DOUBLE"),
        (".wav", "float", "FLOAT"),
        (".flac", "pcm16", "PCM_16"),
        (".aiff", "pcm24", "PCM_24"),
    ],
)
def test_subtypes(tmp_path: Path, suffix: str, given: str, written: str) -> None:
    source, target = write_noise(tmp_path / "in.wav"), tmp_path / f"out{suffix}"
    result = call("render", "amp", source, target, "--subtype", given)
    assert result.exit_code == 0, result.stderr
    assert soundfile.info(target).subtype == written


def test_a_subtype_that_cannot_be_is_refused_before_the_first_file(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    words = ["subtype is 'float'", "pcm16", "pcm24", ".flac"]
    assert_one_line(call("render", "amp", source, tmp_path / "out.flac", "--subtype", "float"), *words)
    assert not (tmp_path / "out.flac").exists()
    with pytest.raises(ConfigurationError, match="subtype is 24, expected one of"):
        neutone.render_file(FunctionModel(), source, tmp_path / "out.wav", subtype=24)  # type: ignore[arg-type]


def test_a_clipped_wav_names_the_subtype_that_is_not(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    result = call("render", "amp", source, tmp_path / "out.wav", "--output-gain", "30", "--subtype", "pcm16")
    assert "subtype='float' (--subtype float) avoids it" in result.stderr


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".aiff", ".w64"])
def test_tags_are_kept(tmp_path: Path, suffix: str) -> None:
    tags = {"title": "Zoë", "artist": "Ann Artist", "comment": "take 2", "genre": "Noise", "tracknumber": "3"}
    with soundfile.SoundFile(tmp_path / "in.flac", "w", 48_000, 1) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        file.write(np.zeros(1_000))
    neutone.render_file(FunctionModel(), tmp_path / "in.flac", tmp_path / f"out{suffix}")
    with soundfile.SoundFile(tmp_path / f"out{suffix}") as file:
        kept = {name: text for name, text in file.copy_metadata().items() if name != "software"}
        assert file.frames == 1_000
    if suffix == ".w64":  # has no tags
        assert kept == {}
    elif suffix == ".aiff":
        assert kept == {name: tags[name] for name in ("title", "artist", "comment")}
    else:
        assert kept == tags


# -- pipes -------------------------------------------------------------------------------------------------------------


def pipe(data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], input=data, capture_output=True, timeout=60, env=PLAIN_ENVIRONMENT, check=False
    )


def test_from_standard_input_to_standard_output(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav", channels=2, rate=44_100)
    assert call("render", "amp", source, tmp_path / "expected.wav").exit_code == 0
    done = pipe(source.read_bytes(), "-", "-")
    assert done.returncode == 0, done.stderr
    assert b"rendered to standard output" in done.stderr
    (tmp_path / "out.wav").write_bytes(done.stdout)
    np.testing.assert_array_equal(read(tmp_path / "out.wav"), read(tmp_path / "expected.wav"))
    done = pipe(source.read_bytes(), "-", str(tmp_path / "file.wav"))
    assert b"rendered" in done.stdout
    np.testing.assert_array_equal(read(tmp_path / "file.wav"), read(tmp_path / "expected.wav"))
    done = pipe(b"", str(source), "-", "--format", "flac")
    assert done.stdout[:4] == b"fLaC"


@pytest.mark.parametrize(("subtype", "dtype"), [("pcm16", "<i2"), ("float", "<f4")])
def test_audio_without_a_header(tmp_path: Path, subtype: str, dtype: str) -> None:
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 5_000)).astype(np.float32)
    if dtype == "<i2":
        audio = np.round(audio * 32_768).astype(dtype)  # type: ignore[assignment]
    done = pipe(audio.T.astype(dtype).tobytes(), "-", "-", "--raw", f"48000,2,{subtype}")
    assert done.returncode == 0, done.stderr
    out = np.frombuffer(done.stdout, dtype).reshape(-1, 2).T
    expected = neutone.render(neutone.load(neutone.default_model()), audio, 48_000)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1 if dtype == "<i2" else 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-", "-", "--raw", "48000"], ["--raw", "RATE,CHANNELS,SUBTYPE"]),
        (["-", "-", "--raw", "48000,2,best"], ["subtype is 'best'", "pcm16"]),
        (["-", "-"], ["standard-input", "cannot read"]),
        (["in.wav", "in.wav", "-"], ["one result"]),
        (["-", "-", "out"], ["named twice"]),
        (["in.wav", "out.wav", "--raw", "48000,2,pcm16"], ["--raw is for standard input"]),
    ],
)
def test_pipes_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_noise(Path("in.wav"))
    done = pipe(b"no audio", *arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    for word in words:
        assert word in line


def test_an_empty_standard_input_and_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    done = pipe(b"", "-", "-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"standard input is empty" in done.stderr
    from neutone.cli.pipes import piped

    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    with (
        pytest.raises(ConfigurationError, match="standard output is a terminal"),
        piped([Path("a")], Path("-"), "", None),
    ):
        pass


# -- several processes -------------------------------------------------------------------------------------------------


def test_several_processes_render_what_one_does(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for seed in range(5):
        write_noise(folder / f"{seed}.wav", seed=seed)
    (folder / "bad.wav").write_text("no audio")
    opposite = np.array([[0.5, -0.5]] * 500, np.float32)
    soundfile.write(folder / "opposite.wav", opposite, 48_000, subtype="FLOAT")
    one = call("render", "amp", folder, tmp_path / "one", "-p", "drive=0..1@50ms")
    many = subprocess.run(
        [*COMMAND, str(folder), str(tmp_path / "many"), "-p", "drive=0..1@50ms", "--jobs", "3"],
        capture_output=True,
        text=True,
        timeout=120,
        env=PLAIN_ENVIRONMENT,
        check=False,
    )
    assert (one.exit_code, many.returncode) == (2, 2)
    assert sorted(many.stderr.splitlines()) == sorted(one.stderr.splitlines())
    assert "6 files" in many.stdout
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == names
    assert len(names) == 6
    for name in names:
        np.testing.assert_array_equal(read(tmp_path / "many" / name), read(tmp_path / "one" / name))


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_processes_and_leaves_no_half_files(tmp_path: Path, number: int) -> None:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(900 * 48_000, np.int16), 48_000)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), str(out), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=PLAIN_ENVIRONMENT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30.0
    while not (out.exists() and len(list(out.iterdir())) == 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, complaints = process.communicate(timeout=30)  # returns once every process has closed the pipe
    assert process.returncode == 128 + number
    assert complaints == "neutone: interrupted\n"
    assert list(out.iterdir()) == []


def test_a_process_that_dies_fails_its_file_alone(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "from neutone import ModelMetadata\n"
        "from neutone.sdk import WaveformToWaveformBase\n"
        "class Deadly(WaveformToWaveformBase):\n"
        "    metadata = ModelMetadata(model_name='deadly')\n"
        "    def do_forward_pass(self, x, params):\n"
        "        if float(x.max()) > 0.9:\n"
        "            os._exit(9)\n"
        "        return x\n"
    )
    pytest.importorskip("torch")
    (tmp_path / "in").mkdir()
    for name, level in (("a", 0.1), ("b", 0.95), ("c", 0.2)):
        soundfile.write(tmp_path / "in" / f"{name}.wav", np.full((500, 2), level), 48_000)
    done = subprocess.run(
        [*COMMAND[:-1], f"{tmp_path}/deadly.py:Deadly", str(tmp_path / "in"), str(tmp_path / "out"), "--jobs", "2"],
        capture_output=True,
        text=True,
        timeout=120,
        env=PLAIN_ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2, done.stderr
    first, last = done.stderr.splitlines()
    assert "b.wav: its process ended with code 9" in first
    assert "1 of 3 files failed" in last
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."} == {"a.wav", "c.wav"}


# -- playing -----------------------------------------------------------------------------------------------------------


class FakeSoundDevice:
    """As much of sounddevice as playing needs."""

    PortAudioError = RuntimeError

    def __init__(self) -> None:
        self.played: list[Any] = []
        self.opened: list[dict[str, Any]] = []

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "fake"}]

    def query_devices(self, device: Any = None, kind: Any = None) -> Any:
        card = {"index": 0, "name": "card", "hostapi": 0, "max_input_channels": 0, "max_output_channels": 2}
        if device not in (None, 0, "card"):
            raise ValueError
        return {**card, "default_samplerate": 48_000.0} if kind else [{**card, "default_samplerate": 48_000.0}]

    def OutputStream(self, **settings: Any) -> Any:
        if settings["samplerate"] > 100_000:
            raise self.PortAudioError("Invalid sample rate")
        self.opened.append(settings)
        return self

    def __enter__(self) -> FakeSoundDevice:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def write(self, block: Any) -> None:
        self.played.append(block)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    pytest.importorskip("neutone_portaudio")
    fake = FakeSoundDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_play(tmp_path: Path, card: FakeSoundDevice, channels: int) -> None:
    source = write_noise(tmp_path / "in.wav", channels=channels, rate=44_100, frames=10_000)
    result = call("play", source)
    assert result.exit_code == 0, result.stderr
    assert card.opened == [{"samplerate": 44_100, "device": 0, "channels": 2, "dtype": "float32"}]
    audio = read(source)
    expected = np.concatenate([audio, audio]) if channels == 1 else audio[:2]
    np.testing.assert_array_equal(np.concatenate(card.played).T, expected)


def test_render_and_play(tmp_path: Path, card: FakeSoundDevice) -> None:
    source = write_noise(tmp_path / "in.wav")
    result = call("render", "amp", source, tmp_path / "out.wav", "--play")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(np.concatenate(card.played).T[:1], read(tmp_path / "out.wav"))


def test_what_cannot_be_played(tmp_path: Path, card: FakeSoundDevice) -> None:
    source = write_noise(tmp_path / "in.wav", rate=192_000)
    assert_one_line(call("play", source), "card does not play 1 channels at 192000 Hz", "Invalid sample rate")
    assert_one_line(call("play", source, "--device", "other"), "no device 'other' for output", "0 card (fake)")
    assert_one_line(call("play", tmp_path / "missing.wav"), "missing.wav")


def test_without_a_sound_card_nothing_is_rendered(
    tmp_path: Path, card: FakeSoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_there(device: Any = None, kind: Any = None) -> Any:
        if kind:
            raise FakeSoundDevice.PortAudioError
        return []

    monkeypatch.setattr(card, "query_devices", none_there)
    source = write_noise(tmp_path / "in.wav")
    line = "no default device for output; devices: none"
    assert_one_line(call("play", source), line)
    assert_one_line(call("render", "amp", source, tmp_path / "out.wav", "--play"), line)
    assert not (tmp_path / "out.wav").exists()


def test_a_missing_output_is_named(tmp_path: Path) -> None:
    assert_one_line(call("render", "amp", tmp_path / "mono.wav"), "OUT is missing")


def test_formats_of_an_output_folder(tmp_path: Path) -> None:
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 4800)
    soundfile.write(tmp_path / "in.wav", audio, 48_000)
    (tmp_path / "out").mkdir()
    result = call("render", "amp", tmp_path / "in.wav", tmp_path / "out", "--format", "mp3")
    assert result.exit_code == 0, result.output
    assert soundfile.info(tmp_path / "out" / "in.mp3").format == "MP3"
    refused = call("render", "amp", tmp_path / "in.wav", tmp_path / "out", "--format", "mp4")
    assert_one_line(refused, "expected one of .wav, .flac")
    assert_one_line(call("render", "amp", tmp_path / "in.wav", tmp_path / "out", "--channels", "both"), "mix, dual")
