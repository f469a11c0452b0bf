"""The PortAudio host through PortAudio's JACK device, which needs no sound card. PortAudio looks for devices once per
process, so each test runs in a process of its own."""

import os
import subprocess
import sys
import textwrap
from ctypes.util import find_library

import numpy as np
import pytest

from neutone import Engine, errors
from neutone_portaudio import PortAudioHost
from neutone_portaudio.devices import require_sounddevice
from support.jack_server import freeze, jack_server, needs_jack
from support.models import FunctionModel, noise
from support.places import TESTS

pytestmark = [
    pytest.mark.server,
    needs_jack,
    pytest.mark.skipif(find_library("portaudio") is None, reason="libportaudio not installed (Debian: libportaudio2)"),
]

PERIOD = 256
HEADER = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from support.waiting import wait_until
from support.models import FunctionModel
from neutone.errors import NeutoneError
from neutone.testing import HostContract
from neutone_portaudio import PortAudioHost

def open_host(model=None, **options):
    return PortAudioHost.open(model or FunctionModel(), **{{"device": "system", "slack": 4, **options}})

"""


@pytest.fixture
def server():
    with jack_server(48_000, PERIOD, patient=True) as running:
        yield running


def start(server, body):
    return subprocess.Popen(
        [sys.executable, "-c", HEADER + textwrap.dedent(body)],
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(server, body):
    with start(server, body) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    return out


def test_lists_devices(server):
    out = run(server, "for device in PortAudioHost.devices(): print(device)")
    assert "name='system', host_api='JACK Audio Connection Kit', input_channels=2, output_channels=2" in out


def test_plays_a_file(server, tmp_path):
    """neutone play, in the time that the file takes: the server's clock pulls the audio."""
    run(
        server,
        f"""
        import time
        import numpy as np
        from pathlib import Path
        from neutone.cli.playback import open_player
        from neutone.errors import HostError
        from neutone.rendering.files import write_audio

        write_audio(Path({str(tmp_path)!r}) / "take.wav", np.zeros((1, 48_000), np.float32), 48_000)
        start = time.monotonic()
        open_player("system")(Path({str(tmp_path)!r}) / "take.wav")
        assert time.monotonic() - start > 0.8
        write_audio(Path({str(tmp_path)!r}) / "fast.wav", np.zeros((1, 4_000), np.float32), 96_000)
        try:
            open_player("system")(Path({str(tmp_path)!r}) / "fast.wav")
        except HostError as error:
            assert "system does not play 1 channels at 96000 Hz" in str(error), error
        else:
            raise AssertionError("JACK has one rate")
        """,
    )


def test_keeps_the_contract_of_hosts(server):
    run(
        server,
        """
        class Contract(HostContract):
            def make_host(self):
                return open_host(slack=32)
            def feed(self, host):
                wait_until(lambda: host.stats.blocks >= 1)

        contract = Contract()
        tests = [name for name in dir(contract) if name.startswith("test_")]
        assert len(tests) >= 7
        for name in tests:
            getattr(contract, name)()
        """,
    )


@pytest.mark.parametrize("block", [64, 256, 1000])
def test_audio_is_late_by_the_engines_latency_and_the_devices(server, client, block):
    with start(
        server,
        f"""
        with open_host(block_size={block}, slack=8) as host:
            print(host.latency.total + round(sum(host.device_latency) * 48_000), flush=True)
            input()
        """,
    ) as process:
        delay = int(process.stdout.readline())
        audio = noise(2, 24_000)
        for _ in range(6):
            heard = client.play(server, "PortAudio", audio, first_ports=("in_0", "out_0")).audio
            equal = np.array_equal(heard[:, delay : delay + audio.shape[1]], audio)
            if equal:  # the machine may have been too busy before
                break
        process.communicate("\n", timeout=60)
    assert equal
    assert process.returncode == 0


def test_a_mono_engine_plays_on_both_sides(server):
    out = run(
        server,
        """
        import subprocess
        with open_host(FunctionModel(channels=(1, 1))):
            print(subprocess.run(["jack_lsp", "PortAudio"], capture_output=True, text=True).stdout)
        """,
    )
    assert out.split() == ["PortAudio:in_0", "PortAudio:out_0", "PortAudio:out_1"]


def test_the_device_goes_away(server):
    with start(
        server,
        """
        host = open_host()
        host.start()
        print("started", flush=True)
        assert host.wait(30)
        print(host.error)
        host.stop()
        host.close()
        """,
    ) as process:
        assert process.stdout.readline() == "started\n"
        server.kill()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "the audio device went away: it asked for no audio for 3 s\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('device="no such card"', "no device 'no such card' for input; devices: 0 system (JACK Audio Connection Kit)"),
        ("device=99", "no device 99 for input; devices: 0 system"),
        ("sample_rate=22_050", "system and system do not run at 22050 Hz, 256 frames, 2 in and 2 out: "),
    ],
)
def test_devices_that_cannot_be_used(server, options, message):
    out = run(
        server,
        f"""
        try:
            open_host({options}).start()
        except NeutoneError as error:
            print(type(error).__name__, error)
        """,
    )
    assert out.startswith(f"HostError {message}")


@pytest.mark.parametrize("device", [(), (0,), (0, 1, 2), 1.5, b"x", "", True, (0, ""), [0, 1]])
def test_devices_that_cannot_be(device):
    model = FunctionModel()
    with pytest.raises(errors.ConfigurationError, match=r"device is .* expected "):
        PortAudioHost.open(model, device=device)
    assert not model.sessions
    with (
        Engine(model, background=True) as engine,
        pytest.raises(errors.ConfigurationError, match=r"device is .* expected "),
    ):
        PortAudioHost(engine, device=device)


@pytest.mark.parametrize("block", [0, -1, 16_385, 999_999])
def test_blocks_that_cannot_be(block):
    with pytest.raises(errors.ConfigurationError, match=rf"block_size is {block}, expected an integer from 1 to 16384"):
        PortAudioHost.open(FunctionModel(), block_size=block, sample_rate=48_000)


def test_an_engine_whose_blocks_are_too_long():
    with Engine(FunctionModel(), 48_000, 20_000, background=True) as engine:
        host = PortAudioHost(engine)
        with pytest.raises(errors.ConfigurationError, match="block_size is 20000"):
            host.start()


def test_stopping_while_another_thread_starts(server):
    run(
        server,
        """
        import threading
        import neutone_portaudio.host as module
        entered, go_on, find_device = threading.Event(), threading.Event(), module.find_device

        def find_slowly(choice, kind):
            entered.set()
            go_on.wait(10)
            return find_device(choice, kind)

        host = open_host(sample_rate=48_000)
        module.find_device = find_slowly
        starting, stopping = threading.Thread(target=host.start), threading.Thread(target=host.stop)
        starting.start()
        assert entered.wait(10)
        stopping.start()
        stopping.join(0.1)
        go_on.set()
        starting.join()
        stopping.join()
        assert not host.running
        assert [thread.name for thread in threading.enumerate() if "portaudio" in thread.name] == []
        assert host.error is None
        with host:
            wait_until(lambda: host.stats.blocks > 2)
        """,
    )


def test_one_host_at_an_engine_and_other_channels_after_a_stop(server):
    run(
        server,
        """
        host = open_host()
        other = PortAudioHost(host.engine, device="system")
        with host:
            try:
                other.start()
            except RuntimeError as error:
                assert "the engine is played by another host already" in str(error)
            else:
                raise AssertionError("both play")
            assert host.engine.fixed_channels
        assert not host.engine.fixed_channels
        host.engine.configure(channels=1)
        with other:
            wait_until(lambda: other.stats.blocks > 2)
        """,
    )


def test_a_program_that_ends_without_stopping(server):
    run(server, "host = open_host(); host.start(); wait_until(lambda: host.stats.blocks > 2)")


def test_a_device_that_hangs_hangs_neither_stop_nor_exit(server):
    with start(
        server,
        """
        import neutone_portaudio.duplex_stream
        neutone_portaudio.duplex_stream.CLOSE_SECONDS = 1.0
        host = open_host()
        host.start()
        print("started", flush=True)
        input()
        host.close()
        print("closed", flush=True)
        """,
    ) as process:
        assert process.stdout.readline() == "started\n"
        freeze(server.process.pid)
        try:
            out, err = process.communicate("\n", timeout=30)
        finally:
            process.kill()
            server.kill()
    assert (process.returncode, out) == (0, "closed\n"), err


def test_a_device_that_hangs_while_a_host_starts(server):
    with start(
        server,
        """
        import neutone_portaudio.duplex_stream
        neutone_portaudio.duplex_stream.OPEN_SECONDS = 1.0
        host = open_host()
        print("open", flush=True)
        input()
        try:
            host.start()
        except NeutoneError as error:
            print(error, host.running, host.engine.fixed_channels, flush=True)
        host.close()
        """,
    ) as process:
        assert process.stdout.readline() == "open\n"
        freeze(server.process.pid)
        try:
            out, err = process.communicate("\n", timeout=30)
        finally:
            process.kill()
            server.kill()
    assert out == "the audio device does not answer: it did not start within 1 s False False\n", err
    assert process.returncode == 0


def test_without_sounddevice(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(errors.MissingExtraError, match=r'pip install "sounddevice>='):
        require_sounddevice()


def test_importing_it_imports_no_sounddevice():
    script = "import neutone_portaudio, sys; sys.exit('sounddevice' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=dict(os.environ)).returncode == 0
