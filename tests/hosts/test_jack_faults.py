"""Faults around a JACK host: each one either ends the host with a clear message, or does not end it."""

import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from neutone import Engine, errors
from neutone_jack import JackHost
from neutone_jack.library import load_library
from support.jack_server import JackServer, freeze, jack_server, needs_jack
from support.models import FunctionModel, noise
from support.places import TESTS
from support.waiting import wait_until

pytestmark = [pytest.mark.server, needs_jack]

PERIOD = 256


@pytest.fixture
def server():
    with jack_server(48_000, PERIOD, patient=True) as running:
        yield running


def goes_on(host):
    before = host.stats.blocks
    wait_until(lambda: host.stats.blocks > before + 10, what="the host goes on")
    return host.running


# -- the server --------------------------------------------------------------------------------------------------------


def test_no_server():
    with pytest.raises(errors.HostError, match=r"no JACK server named 'nowhere' is running: start one, e\.g\. jackd"):
        JackHost.open(FunctionModel(), server="nowhere")


def test_start_without_a_server_can_be_tried_again(hosts, server):
    host = hosts(FunctionModel(), server)
    server.kill()
    for _ in range(2):
        with pytest.raises(errors.HostError, match="no JACK server"):
            host.start()
    assert not host.running
    host.stop()


@pytest.mark.parametrize("end", [JackServer.terminate, JackServer.kill], ids=["terminated", "killed"])
def test_the_server_ends(hosts, server, end):
    host = hosts(FunctionModel(), server)
    host.start()
    assert goes_on(host)
    assert not host.wait(0.01)
    end(server)
    assert host.wait(10)
    assert not host.running
    assert isinstance(host.error, errors.HostError)
    assert "the JACK server went away: JACK server has been closed" in str(host.error)
    host.stop()
    with jack_server(48_000, PERIOD, patient=True, name=server.name):
        host.start()
        assert host.error is None
        assert goes_on(host)
        host.stop()


def test_a_server_that_hangs_does_not_hang_the_host():
    """In a process of its own, because libjack leaves behind what would disturb other tests."""
    with jack_server(48_000, PERIOD) as server:
        host = run_script(server, "host.start(); print('started', flush=True); input(); host.stop(); print('stopped')")
        assert host.stdout.readline() == "started\n"
        freeze(server.process.pid)
        out, err = host.communicate("\n", timeout=60)
        server.kill()
        assert (host.returncode, out, err) == (0, "stopped\n", "")


def run_script(server, body):
    script = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(TESTS)!r})
        from support.models import FunctionModel
        from neutone_jack import JackHost
        host = JackHost.open(FunctionModel(), server={server.name!r})
        """
    )
    return subprocess.Popen(
        [sys.executable, "-c", script + body],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_program_whose_server_is_killed_prints_nothing_of_libjacks():
    with jack_server(48_000, PERIOD) as server:
        host = run_script(
            server, "\nwith host:\n    print('started', flush=True)\n    host.wait()\nhost.close()\nprint(host.error)"
        )
        assert host.stdout.readline() == "started\n"
        server.kill()
        out, err = host.communicate(timeout=60)
    assert (host.returncode, err) == (0, "")
    assert out == "the JACK server went away: JACK server has been closed\n"


def test_a_program_that_ends_without_stopping():
    with jack_server(48_000, PERIOD) as server:
        host = run_script(server, "host.start(); import time; time.sleep(0.2)")
        _, err = host.communicate(timeout=60)
        assert (host.returncode, err) == (0, "")
        wait_until(lambda: not [port for port in server.ports() if port.startswith("neutone")], what="its ports go")


def test_an_engine_that_runs_in_its_callers_thread():
    with pytest.raises(errors.ConfigurationError, match="background=True"):
        JackHost(Engine(FunctionModel()))


def test_stopping_while_the_server_freewheels_with_a_slow_model(hosts, server):
    def slow(audio, params, out):
        time.sleep(0.05)

    with hosts(FunctionModel(slow), server) as host:
        server.run("jack_freewheel", "y")
        wait_until(lambda: host.engine.blocking, what="freewheeling")
        assert goes_on(host)
    assert not host.running
    assert not host.engine.blocking
    server.run("jack_freewheel", "n")


# -- the graph ---------------------------------------------------------------------------------------------------------


def test_a_port_is_unplugged(hosts, server):
    with hosts(FunctionModel(), server, connect=True) as host:
        server.disconnect("system:capture_1", f"{host.client_name}:in_1")
        server.disconnect(f"{host.client_name}:out_2", "system:playback_2")
        assert goes_on(host)
        server.connect("system:capture_1", f"{host.client_name}:in_1")
        assert goes_on(host)
        assert host.error is None


def test_the_period_changes_again_and_again(hosts, server):
    with hosts(FunctionModel(), server) as host:
        for period in (64, 1024, 128, 512, 64, 256) * 2:
            server.change_period(period)
        wait_until(lambda: host.engine.block_size == PERIOD, what="the engine follows")
        assert goes_on(host)


def test_a_model_that_cannot_follow(hosts, server):
    class Stubborn(FunctionModel):
        def prepare(self, sample_rate, block_size):
            if self.sessions:
                raise MemoryError("too large")
            return super().prepare(sample_rate, block_size)

    host = hosts(Stubborn(), server)
    host.start()
    server.change_period(1024)
    assert host.wait(10)
    assert "cannot follow the JACK server to 48000 Hz and 1024 frames: too large" in str(host.error)


# -- the model ---------------------------------------------------------------------------------------------------------


def test_a_model_that_takes_ten_times_too_long(hosts, server, client):
    def slow(audio, params, out):
        time.sleep(10 * out.shape[1] / 48_000)
        out[:] = audio

    with hosts(FunctionModel(slow), server) as host:
        recording = client.play(server, host.client_name, noise(2, 24_000))
        assert recording.gaps == 0
        assert host.stats.late_frames > 0
        assert goes_on(host)


def test_a_model_that_raises(hosts, server, client):
    def fail(audio, params, out):
        raise OSError("no such weights")

    with hosts(FunctionModel(fail), server) as host:
        recording = client.play(server, host.client_name, noise(2, 4_800))
        assert not recording.audio.any()
        assert "no such weights" in str(host.engine.error)
        assert goes_on(host)


def test_a_model_that_answers_nan(hosts, server, client):
    def nan(audio, params, out):
        out[:] = np.nan

    with hosts(FunctionModel(nan), server) as host:
        recording = client.play(server, host.client_name, noise(2, 4_800))
        assert np.isfinite(recording.audio).all()
        assert not recording.audio.any()
        assert host.engine.stats.nonfinite_output > 0
        assert goes_on(host)


# -- what is not installed ---------------------------------------------------------------------------------------------


def test_without_jack_client(monkeypatch):
    monkeypatch.setitem(sys.modules, "jack", None)
    with pytest.raises(errors.MissingExtraError, match=r'pip install "JACK-Client>='):
        load_library.__wrapped__()


def test_without_libjack(monkeypatch, tmp_path):
    (tmp_path / "jack.py").write_text("raise OSError('JACK library not found')\n")
    monkeypatch.delitem(sys.modules, "jack", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(errors.MissingExtraError, match="the library libjack, which is not installed"):
        load_library.__wrapped__()
