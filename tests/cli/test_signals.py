"""Signals: the command line ends cleanly whenever they arrive, and leaves no incomplete files behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.long, pytest.mark.skipif(os.name != "posix", reason="sends signals")]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] if os.name == "posix" else []

Start: TypeAlias = Callable[..., subprocess.Popen[str]]

# Signals that arrive before main() are dropped, so that each test is only about what main() does.
START = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: None)
from neutone.cli import main
print("ready", flush=True)
main()
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `neutone` with arguments; returns when main() is about to be called."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path, code: str = START) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


ENDLESS_PROGRAM = """
import os, sys, torch

class Endless(torch.nn.Module):
    def __init__(self, mark: str):
        super().__init__()
        self.mark: str = mark
        self.a = torch.zeros(1)

    @torch.jit.export
    def __getstate__(self):
        return (self.a, self.mark, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]):
        self.a = state[0]
        self.mark = state[1]
        self.training = state[2]
        mark = torch.from_file(state[1], True, 16, dtype=torch.uint8)
        mark.fill_(1)
        self.a = self.a + mark.sum() * 0
        while bool((self.a == self.a).all()):
            self.a = self.a + 1

    def forward(self, x):
        return x

torch.jit.script(Endless(sys.argv[2])).save(sys.argv[1])
"""


def write_silence(path: Path, seconds: int) -> Path:
    soundfile.write(path, np.zeros(seconds * 48_000, np.int16), 48_000)
    return path


def wait_for_a_file(folder: Path) -> None:
    deadline = time.monotonic() + 60.0
    while not (folder.exists() and any(folder.iterdir())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_rendering_leaves_no_half_files(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    source = write_silence(tmp_path / "long.wav", 300)
    process = start("render", "amp", source, tmp_path / "out")
    wait_for_a_file(tmp_path / "out")
    process.send_signal(number)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert complaints == "neutone: interrupted\n"
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_a_signal_while_starting_is_one_clean_end(start: Start, delay: float) -> None:
    """A signal at any time from before the imports until a model is open: no traceback, and no error caused by the
    signal."""
    for number in SIGNALS:
        process = start("live", "amp", "--server", "no server of this name")
        time.sleep(delay)
        process.send_signal(number)
        _, complaints = process.communicate(timeout=60)
        refused = "neutone: no JACK server named", "neutone: the JACK host needs"
        if process.returncode == 128 + number:
            assert complaints == "neutone: interrupted\n"
        else:  # the signal was dropped, or it came after the last message
            assert process.returncode in (2, -number)
            assert complaints.startswith(refused)
            assert complaints.count("\n") == 1


def test_a_signal_in_an_import_does_not_look_like_a_missing_package(start: Start, tmp_path: Path) -> None:
    """The import of a package is interrupted, and then raises another error, as ONNX Runtime does."""
    (tmp_path / "onnxruntime.py").write_text(
        "import os, signal, time\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(0.2)\n"
        "except KeyboardInterrupt:\n"
        "    raise ImportError('half of it')\n"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})" + START
    process = start("bench", "amp", code=code)
    _, complaints = process.communicate(timeout=60)
    assert complaints == "neutone: interrupted\n"
    assert process.returncode == 130


def test_a_model_that_computes_for_ever_can_be_stopped(start: Start, tmp_path: Path) -> None:
    """Python raises nothing inside ONNX Runtime. The process still ends, and removes its temporary file."""
    pytest.importorskip("onnx")
    from support import onnx_models

    source = tmp_path / "in.wav"
    soundfile.write(source, np.full(4800, 0.5), 48_000)
    model = onnx_models.endless(tmp_path / "endless.onnx")
    process = start("render", model, source, tmp_path / "out" / "x.wav")
    wait_for_a_file(tmp_path / "out")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert complaints == "neutone: interrupted\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_computes_for_ever_while_it_is_opened_can_be_stopped(start: Start, tmp_path: Path) -> None:
    """PyTorch keeps the GIL in the meantime, so no Python thread could end the process."""
    pytest.importorskip("torch")
    path, begun = tmp_path / "endless.ts", tmp_path / "begun"
    begun.write_bytes(bytes(16))
    (tmp_path / "program.py").write_text(ENDLESS_PROGRAM)  # TorchScript reads the source
    subprocess.run([sys.executable, "-W", "ignore", tmp_path / "program.py", path, begun], check=True)
    begun.write_bytes(bytes(16))
    process = start("bench", path)
    deadline = time.monotonic() + 60.0
    while begun.read_bytes() == bytes(16):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert complaints == "neutone: interrupted\n"


def test_what_a_killed_run_leaves_is_removed_by_the_next(start: Start, tmp_path: Path) -> None:
    long, short = write_silence(tmp_path / "long.wav", 300), write_silence(tmp_path / "short.wav", 1)
    out = tmp_path / "out"
    process = start("render", "amp", long, out)
    wait_for_a_file(out)
    process.kill()
    process.wait()
    (left,) = [path.name for path in out.iterdir()]
    assert left.startswith(".neutone-")
    assert left.endswith(".wav")
    assert start("render", "amp", short, out).wait(timeout=60) == 0
    assert [path.name for path in out.iterdir()] == ["short.wav"]


def test_what_a_living_run_writes_is_not_removed(start: Start, tmp_path: Path) -> None:
    long, short = write_silence(tmp_path / "long.wav", 120), write_silence(tmp_path / "short.wav", 1)
    out = tmp_path / "out"
    process = start("render", "amp", long, out)
    wait_for_a_file(out)
    assert start("render", "amp", short, out).wait(timeout=60) == 0
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    assert sorted(path.name for path in out.iterdir()) == ["long.wav", "short.wav"]
    assert soundfile.info(out / "long.wav").frames == 120 * 48_000


def test_a_signal_that_is_ignored_stays_so() -> None:
    """nohup ignores SIGHUP, for instance."""
    code = """
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from neutone.cli.interruption import raise_on_signals, received, set_instead_of_raising
raise_on_signals()
os.kill(os.getpid(), signal.SIGHUP)
with set_instead_of_raising() as ended:
    os.kill(os.getpid(), signal.SIGHUP)
    print(ended.is_set(), received())
os.kill(os.getpid(), signal.SIGHUP)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "False False\n")
