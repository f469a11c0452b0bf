"""The PortAudio host through PortAudio's JACK device, which needs no sound card. Devices are looked for once a
process, so each test is a program of its own."""

import os
import subprocess
import sys
import textwrap
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

from jack_measuring import MeasuringClient
from jack_server import jack_server, needs_jack
from models import noise
from neutone import errors
from neutone_portaudio.devices import require_sounddevice

pytestmark = [
    needs_jack,
    pytest.mark.skipif(find_library("portaudio") is None, reason="libportaudio not installed (Debian: libportaudio2)"),
]

PERIOD = 256
HEADER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from jack_server import wait_until
from models import FunctionModel
from neutone.errors import NeutoneError
from neutone.testing import HostContract
from neutone_portaudio import PortAudioHost

def open_host(model=None, **options):
    return PortAudioHost.open(model or FunctionModel(), **{{"device": "system", "slack": 4, **options}})

"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return MeasuringClient(tmp_path_factory.mktemp("portaudio"))


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


def test_without_sounddevice(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(errors.MissingExtraError, match=r'pip install "neutone\[portaudio\]"'):
        require_sounddevice()


def test_importing_it_imports_no_sounddevice():
    script = "import neutone_portaudio, sys; sys.exit('sounddevice' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=dict(os.environ)).returncode == 0
