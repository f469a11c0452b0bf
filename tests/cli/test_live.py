"""``neutone live`` on a JACK server that the test starts."""

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from neutone import Engine
from neutone.cli.live.controls import LiveControls
from neutone.cli.live.display import LiveDisplay
from neutone.cli.live.keyboard import split_keys
from neutone.plugins import HostStats, LiveHost
from support.jack_server import jack_server, needs_jack
from support.models import FunctionModel, knob
from support.waiting import wait_until

NEUTONE = [sys.executable, "-m", "neutone.cli"]


def start(*arguments, server=None, **options):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "JACK_NO_START_SERVER": "1"}
    if server is not None:
        environment["JACK_DEFAULT_SERVER"] = server.name
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen([*NEUTONE, "live", *arguments], env=environment, **pipes)


def finish(process):
    with process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for_ports(server, name="neutone"):
    wait_until(lambda: f"{name}:out_1" in server.ports(), what=f"the ports of {name}")


# -- on a server -------------------------------------------------------------------------------------------------------


@pytest.mark.server
@needs_jack
def test_json_at_the_end():
    with jack_server(period=128) as server:
        options = ["--duration", "1.5", "--json", "-p", "drive=0.75", "--cc", "7=tone", "--connect"]
        code, out, err = finish(start("amp", *options, server=server))
    assert code == 0, err
    assert err == ""
    report = json.loads(out)
    assert report["latency"]["total"] == report["latency"]["slack"] == 128
    assert {"resampling", "buffering", "model", "slack", "total", "ms"} == set(report["latency"])
    assert report["sample_rate"] == 48_000
    assert report["block_size"] == 128
    assert report["blocks"] > 100
    assert report["xruns"] >= 0
    assert report["late_frames"] >= report["hurried_frames"] >= 0
    assert 0.0 < report["load"] < 1.0
    assert 0.0 < report["inference_us"]["median"] <= report["inference_us"]["longest"]
    assert report["parameters"]["drive"] == pytest.approx(0.75)
    assert (report["ended"], report["error"], report["model_error"]) == ("duration", None, None)


@pytest.mark.server
@needs_jack
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_it_cleanly(number):
    with jack_server() as server:
        process = start("amp", "--json", "--name", "amp", server=server)
        wait_for_ports(server, "amp")
        process.send_signal(number)
        code, out, err = finish(process)
        assert "amp:out_1" not in server.ports()
    assert code == 0, err
    assert json.loads(out)["ended"] == "signal"


@pytest.mark.server
@needs_jack
def test_a_server_that_goes_away_ends_it_with_a_message():
    with jack_server() as server:
        process = start("amp", "--json", server=server)
        wait_for_ports(server)
        server.kill()
        code, out, err = finish(process)
    assert code == 2
    assert err.startswith("neutone: the JACK server went away")
    assert err.count("\n") == 1
    report = json.loads(out)
    assert report["ended"] == "error"
    assert "went away" in report["error"]


@pytest.mark.server
@needs_jack
def test_without_a_terminal_it_prints_a_summary():
    with jack_server() as server:
        code, out, err = finish(start("amp", "--duration", "0.5", "--slack", "0", server=server))
    assert code == 0
    assert "latency 0 frames" in out
    assert "late frames 0" in out
    assert "Ctrl-C ends it" in err


@pytest.mark.server
@needs_jack
def test_the_display_and_its_keys():
    with jack_server() as server:
        ours, theirs = pty.openpty()
        process = start("amp", stdin=theirs, stdout=theirs, stderr=theirs, text=False, server=server)
        os.close(theirs)
        screen = ""

        def read_until(pattern):
            nonlocal screen
            deadline = time.monotonic() + 30
            while not re.search(pattern, screen):
                assert time.monotonic() < deadline, screen[-2000:]
                if select.select([ours], [], [], 0.1)[0]:
                    screen += os.read(ours, 65536).decode()

        def press(keys, pattern):
            nonlocal screen
            screen = ""
            os.write(ours, keys)
            read_until(pattern)

        # Colour codes stand between names and numbers.
        read_until(r"(?s)in 1.*out 1.*load.*inference.*latency.*64 slack.*drive")
        press(b"\x1b[C", r"drive.*? 0\.52")
        press(b"\x1b[B\x1b[D\x1b[D", r"tone.*? 0\.46")
        press(b"b", "BYPASS")
        press(b"l", "move a MIDI control")
        press(b"d", r"tone.*? 0\.5 ")
        os.write(ours, b"q")
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    screen += os.read(ours, 65536).decode()
                except OSError:  # on Linux, the error says that the other end is closed
                    break
        assert process.wait(30) == 0
        os.close(ours)


# -- without a server --------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["amp", "--host", "nothing"], "no plug-in 'nothing'"),
        (["amp", "--host", "callback"], "has no live audio of its own"),
        (["amp", "--device", "1"], "--device is not for the host 'jack'"),
        (["amp", "--rate", "44100"], "--rate is not for the host 'jack'"),
        (["amp", "--cc", "drive"], "expected NUMBER=NAME"),
        (["amp", "--cc", "x=drive"], "expected NUMBER=NAME"),
        (["nothing.onnx"], "no model file"),
    ],
)
def test_mistakes_are_one_line(arguments, words):
    code, out, err = finish(start(*arguments))
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.server
@needs_jack
def test_no_server():
    code, out, err = finish(start("amp", "--server", "neutone-test-nothing"))
    assert code == 2
    assert "no JACK server" in err
    assert "docs/live.md" in err
    assert err.count("\n") == 1
    assert out == ""


def devices(*arguments, **environment):
    variables = {**os.environ, **environment}
    return subprocess.run([*NEUTONE, "devices", *arguments], env=variables, capture_output=True, text=True, timeout=60)


@pytest.mark.server
@needs_jack
def test_devices():
    pytest.importorskip("sounddevice", exc_type=OSError)
    with jack_server(sample_rate=44_100) as server:
        found = devices("--json", JACK_DEFAULT_SERVER=server.name)
        assert found.returncode == 0, found.stderr
        listed = [device for device in json.loads(found.stdout) if device["host_api"].startswith("JACK")]
        assert listed
        assert listed[0]["sample_rate"] == 44_100
        assert "JACK" in devices(JACK_DEFAULT_SERVER=server.name).stdout
    refused = devices("--host", "jack")
    assert refused.returncode == 2
    assert "has no devices to choose from" in refused.stderr


class QuietHost(LiveHost):
    """A live host that never processes audio."""

    name = "quiet"

    def __init__(self, model):
        self._engine = Engine(model, 48_000, 64, 2, background=True)
        self.waiting = None

    @classmethod
    def open(cls, model, *, channels=None, slack=1, late="silence"):
        return cls(model)

    engine = property(lambda self: self._engine)
    running = property(lambda self: True)
    error = property(lambda self: None)
    stats = property(lambda self: HostStats())
    latency = property(lambda self: self._engine.latency)
    learning = property(lambda self: self.waiting)
    cc_map = property(lambda self: {7: "amount"})

    def learn(self, name):
        self.waiting = name

    def start(self):
        pass

    def stop(self):
        pass

    def close(self):
        self._engine.close()


MODE = {"type": "categorical", "name": "mode", "n_values": 3, "labels": ["a", "b", "c"], "default_value": 0}


@pytest.fixture
def quiet():
    host = QuietHost(FunctionModel(parameters=[knob(low=0.0, high=10.0, default=5.0), MODE]))
    yield host
    host.close()


def test_keys_change_parameters(quiet):
    controls = LiveControls(quiet)
    parameters = quiet.engine.parameters
    for key in ("right", "+", "+"):
        controls.press(key)
    assert parameters["amount"] == pytest.approx(7.2)
    for _ in range(20):
        controls.press("+")
    assert parameters["amount"] == 10.0
    controls.press("d")
    assert parameters["amount"] == 5.0
    controls.press("down")
    assert controls.selected == "mode"
    for expected in "bcc":
        controls.press("right")
        assert parameters["mode"] == expected
    for expected in "baa":
        controls.press("-")
        assert parameters["mode"] == expected
    controls.press("l")
    assert quiet.learning == "mode"
    controls.press("l")
    assert quiet.learning is None
    controls.press("x")
    assert not controls.quits
    controls.press("q")
    assert controls.quits


def test_bypass_plays_the_input_and_comes_back(quiet):
    controls = LiveControls(quiet)
    engine = quiet.engine
    engine.wet, engine.dry = 0.8, 0.1
    controls.press("b")
    assert controls.bypassed
    assert (engine.wet, engine.dry) == (0.0, 1.0)
    controls.press("b")
    assert (engine.wet, engine.dry) == (0.8, 0.1)
    controls.press("r")
    assert engine.live_stats.takeovers == 0


def test_the_picture_tells_levels_and_controllers(quiet):
    from rich.console import Console

    quiet.engine.blocking = True
    quiet.engine.process(np.stack([np.full(64, 0.5, np.float32), np.zeros(64, np.float32)]))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(LiveDisplay(quiet, "quiet", LiveControls(quiet)).render())
    text = console.export_text()
    assert re.search(r"in 1 +#+\.+ +-6\.0 dB", text)
    assert re.search(r"in 2 +\.+ +-inf dB", text)
    assert "CC 7" in text
    assert "64 slack" in text


def test_split_keys():
    assert split_keys("") == []
    assert split_keys("\x1b[Aq\x1bOD\x1b") == ["up", "q", "left", "\x1b"]
