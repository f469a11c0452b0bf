"""Starting and stopping a JACK host, from any thread; one server per process, one host per engine; invalid names."""

import subprocess
import sys
import textwrap
import threading

import pytest

from neutone import Engine, errors
from neutone_jack import JackHost
from neutone_jack.library import load_library
from support.jack_server import jack_server, needs_jack
from support.models import FunctionModel, knob
from support.places import TESTS
from support.waiting import wait_until

pytestmark = [pytest.mark.server, needs_jack]


@pytest.fixture(scope="module")
def server():
    with jack_server(48_000, 256, patient=True) as running:
        yield running


@pytest.fixture
def engine():
    with Engine(FunctionModel(), 48_000, 256, 2, background=True, slack=4) as engine:
        yield engine


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("neutone-jack")]


def test_stopping_while_another_thread_starts(server):
    entered, go_on = threading.Event(), threading.Event()

    class Slow(FunctionModel):
        def prepare(self, sample_rate, block_size):
            if self.sessions:
                entered.set()
                go_on.wait(10)
            return super().prepare(sample_rate, block_size)

    with Engine(Slow(), 96_000, 256, 2, background=True) as engine:  # which start() moves to the server's rate
        host = JackHost(engine, server=server.name)
        starting, stopping = threading.Thread(target=host.start), threading.Thread(target=host.stop)
        starting.start()
        assert entered.wait(10)
        stopping.start()
        stopping.join(0.1)
        go_on.set()
        starting.join()
        stopping.join()
        assert not host.running
        assert threads() == []
        assert host.error is None


def test_starts_and_stops_from_two_threads(server, engine):
    host = JackHost(engine, server=server.name)
    for pause in range(10):
        starting = threading.Thread(target=host.start)
        starting.start()
        starting.join(0.0005 * pause)
        host.stop()
        starting.join()
        host.stop()
        assert not host.running
        assert threads() == []
    assert host.error is None


def test_one_server_in_a_process(server, engine):
    with JackHost(engine, server=server.name) as host:
        with pytest.raises(errors.HostError, match=f"on the JACK server '{server.name}'.* one server in a process"):
            JackHost.open(FunctionModel(), server="elsewhere")
        JackHost.open(FunctionModel(), server=server.name).close()
        assert host.running
    with pytest.raises(errors.HostError, match="no JACK server named 'elsewhere' is running"):
        JackHost.open(FunctionModel(), server="elsewhere")


def test_the_environment_names_the_default_server(server, engine, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    with JackHost(engine), JackHost.open(FunctionModel(), server=server.name) as other:
        assert other.running
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "x" * 5000)
    with pytest.raises(errors.ConfigurationError, match=r"JACK_DEFAULT_SERVER is 'x+'.. of 5000 characters"):
        JackHost(engine).start()


def test_a_server_that_hangs_while_a_host_starts():
    """In a process of its own, because libjack leaves behind what would disturb other tests."""
    script = """
    import os, signal, sys, threading, time
    sys.path.insert(0, {tests!r})
    import neutone_jack.connection
    from support.jack_server import freeze
    from support.waiting import wait_until
    from support.models import FunctionModel
    from neutone.errors import HostError
    from neutone_jack import JackHost

    def said_by(call, *arguments, **options):
        try:
            call(*arguments, **options)
        except HostError as error:
            return str(error)

    neutone_jack.connection.ANSWER_SECONDS = 1.0
    host = JackHost.open(FunctionModel(), server={server!r})
    freeze({process})
    said = []
    starting = threading.Thread(target=lambda: said.append(said_by(host.start)))
    starting.start()
    time.sleep(0.1)
    before = time.monotonic()
    host.stop()
    assert time.monotonic() - before < 8
    starting.join()
    assert said == ["the JACK server {server!s} does not answer"], said
    assert not host.running
    assert said_by(JackHost.open, FunctionModel(), server={server!r}) == said[0]
    assert "one server in a process" in said_by(JackHost.open, FunctionModel(), server="elsewhere")
    os.kill({process}, signal.SIGCONT)
    wait_until(lambda: threading.active_count() == 1, what="what was left behind ends")
    assert "no JACK server named" in said_by(JackHost.open, FunctionModel(), server="elsewhere")
    with host:
        wait_until(lambda: host.stats.blocks > 2)
    host.close()
    """
    with jack_server(48_000, 256) as server:
        values = {"tests": str(TESTS), "server": server.name, "process": server.process.pid}
        script = script.replace("{server!s}", repr(server.name)).format(**values)
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")


# -- the engine --------------------------------------------------------------------------------------------------------


def test_other_channels_after_a_stop(server, engine):
    host = JackHost(engine, server=server.name, name="width")
    for channels in (2, 1, 3):
        engine.configure(channels=channels)
        with host:
            assert engine.fixed_channels
            ports = [port for port in server.ports() if port.startswith("width:")]
            assert len(ports) == 2 * channels + 1
            wait_until(lambda: host.stats.blocks > 2, what="blocks")
        assert not engine.fixed_channels


def test_controllers_stay_from_run_to_run(server):
    with Engine(FunctionModel(parameters=[knob("tone")]), 48_000, 256, 2, background=True) as engine:
        host = JackHost(engine, server=server.name, cc={7: "tone"})
        host.learn("tone")
        with host:
            assert host.cc_map == {7: "tone"}
            assert host.learning == "tone"
            host.map_cc(8, "tone")
        with host:
            assert host.cc_map == {7: "tone", 8: "tone"}


def test_one_host_at_an_engine(server, engine):
    first, second = (JackHost(engine, server=server.name) for _ in range(2))
    with first:
        with pytest.raises(RuntimeError, match="the engine is played by another host already"):
            second.start()
        assert first.running
        assert not second.running
        second.stop()
        assert engine.fixed_channels
    with second:
        assert second.running


def test_an_engine_is_free_after_a_start_that_failed(engine):
    host = JackHost(engine, server="nowhere")
    for _ in range(2):
        with pytest.raises(errors.HostError, match="no JACK server"):
            host.start()
    assert not engine.fixed_channels


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["x" * 5000, "x" * 256, "ä" * 128, "", "a\0b", 5, b"x", True])
def test_servers_that_cannot_be(engine, server):
    for make in (lambda: JackHost(engine, server=server), lambda: JackHost.open(engine.model, server=server)):
        with pytest.raises(errors.ConfigurationError, match=r"name of the JACK server is .* 255 bytes at most"):
            make()


def test_the_longest_name_of_a_server(engine):
    with pytest.raises(errors.HostError, match=r"no JACK server named 'x+' is running"):
        JackHost.open(engine.model, server="x" * 255)


def test_names_that_cannot_be(server, engine):
    with pytest.raises(errors.ConfigurationError, match="without colons and NUL"):
        JackHost(engine, name="a\0b")
    longest = load_library().longest_client_name
    assert longest >= 31
    with pytest.raises(errors.ConfigurationError, match=f"of {longest + 1} bytes, expected {longest} at most"):
        JackHost.open(engine.model, name="x" * (longest + 1), server=server.name)
    with pytest.raises(errors.ConfigurationError, match=f"expected {longest} at most"):
        JackHost(engine, name="x" * (longest + 1), server=server.name).start()
    with JackHost(engine, name="x" * longest, server=server.name) as host:
        assert host.client_name == "x" * longest


@pytest.mark.parametrize("cc", [[1], 5, "1", [(1, "drive")]])
def test_controllers_that_are_no_mapping(engine, cc):
    with pytest.raises(errors.ConfigurationError, match=r"cc is .* expected a mapping"):
        JackHost(engine, cc=cc)
