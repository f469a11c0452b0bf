"""The JACK host on a real server: latency to the frame, audio as offline, MIDI, changes of the server."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import neutone
from neutone import Engine, errors
from neutone.checks.delay import measure_delay
from neutone.testing import HostContract
from neutone_jack import JackHost
from support.jack_measuring import round_trip_of_jack_iodelay
from support.jack_server import freeze, jack_server, needs_jack
from support.models import FunctionModel, knob, noise
from support.waiting import wait_until

pytestmark = [pytest.mark.server, needs_jack]

MODELS = {
    "the server's rate": {"blocks": ()},
    "blocks of 100": {"blocks": (100,)},
    "resampled": {"rates": (44_100,), "blocks": (256,)},
}


@pytest.fixture(scope="module")
def server():
    with jack_server(48_000, 256, patient=True) as running:
        yield running


class TestContract(HostContract):
    """The slack is large, because the contract requires that nothing is late, on any machine."""

    @pytest.fixture(autouse=True)
    def _server(self, server, hosts):
        self.make_host = lambda: hosts(FunctionModel(), server, slack=32)

    def feed(self, host):
        wait_until(lambda: host.stats.blocks >= 1, what="a block")


@pytest.mark.parametrize("period", [64, 128, 1024])
@pytest.mark.parametrize("kind", MODELS)
def test_round_trip_is_the_latency_that_jack_knows(client, hosts, period, kind):
    with jack_server(48_000, period, patient=True) as server:
        host = hosts(FunctionModel(**MODELS[kind]), server)
        audio = noise(2, 24_000)
        with host:
            recording = client.play_undisturbed(server, host, audio)
            expected = host.latency.total
    assert recording.latency == (expected, expected)
    assert measure_delay(audio[0], recording.audio).frames == expected
    if kind != "resampled":
        np.testing.assert_array_equal(recording.audio[:, expected : expected + audio.shape[1]], audio)


@pytest.mark.parametrize("period", [64, 128, 1024])
@pytest.mark.parametrize("kind", ["the server's rate", "resampled"])
def test_round_trip_on_a_server_that_waits_for_nobody(client, hosts, period, kind):
    """Without real-time scheduling this server loses a cycle now and then, which must not move the audio."""
    with jack_server(48_000, period) as server, hosts(FunctionModel(**MODELS[kind]), server) as host:
        audio = noise(2, 24_000)
        recording = client.play(server, host.client_name, audio)
        expected = host.latency.total
    assert recording.latency == (expected, expected)
    assert measure_delay(audio[0], recording.audio).frames == expected


@pytest.mark.parametrize("period", [64, 128, 1024])
@pytest.mark.parametrize("kind", ["the server's rate", "resampled"])
def test_jack_iodelay_reads_the_latency_and_the_period_of_its_loop(hosts, period, kind):
    with jack_server(48_000, period, patient=True) as server, hosts(FunctionModel(**MODELS[kind]), server) as host:
        assert round_trip_of_jack_iodelay(server, host.client_name) == host.latency.total + period
        server.kill()  # it would wait for jack_iodelay, which only ends if it is killed


def test_half_a_minute_equals_offline_rendering(client, hosts):
    """In real time, with blocks of 64 frames. The slack of 10 ms allows for a machine that also does other things."""
    model = neutone.load(neutone.default_model())
    audio = noise(1, 30 * 48_000, level=0.3)
    expected = neutone.render(model, audio, 48_000)
    with jack_server(48_000, 64, patient=True) as server, hosts(model, server, slack=8) as host:
        recording = client.play_undisturbed(server, host, audio)
        delay = host.latency.total
        assert host.stats.blocks >= audio.shape[1] // 64
    np.testing.assert_allclose(recording.audio[:, delay : delay + audio.shape[1]], expected, rtol=0, atol=1e-6)


def test_freewheeling_waits_for_a_model_that_is_slower_than_real_time(client, hosts, server):
    def slow(audio, params, out):
        time.sleep(2 * 256 / 48_000)
        out[:] = np.tanh(audio)

    host = hosts(FunctionModel(slow), server)
    audio = noise(2, 256 * 40)
    with host:
        server.run("jack_freewheel", "y")
        try:
            wait_until(lambda: host.engine.blocking, what="freewheeling reaches the engine")
            host.engine.reset()
            late = host.stats.late_frames  # late frames from before freewheeling
            recording = client.play(server, host.client_name, audio)
            late = host.stats.late_frames - late
        finally:
            server.run("jack_freewheel", "n")
        wait_until(lambda: not host.engine.blocking, what="the end of freewheeling reaches the engine")
        delay = host.latency.total
    assert late == 0
    np.testing.assert_allclose(recording.audio[:, delay : delay + audio.shape[1]], np.tanh(audio), atol=1e-6)


def test_follows_the_period_while_it_runs(client, hosts):
    with jack_server(48_000, 64, patient=True) as server, hosts(FunctionModel(), server) as host:
        before = host.latency.total
        for period in (256, 1024, 64):
            server.change_period(period)
            wait_until(lambda size=period: host.engine.block_size == size, what="the engine follows")
            audio = noise(2, 12_000)
            recording = client.play_undisturbed(server, host, audio)
            expected = host.latency.total
            assert recording.latency == (expected, expected)
            np.testing.assert_array_equal(recording.audio[:, expected : expected + audio.shape[1]], audio)
        assert host.latency.total == before
        assert host.running


def test_an_engine_of_other_settings_is_given_the_servers(server):
    with Engine(FunctionModel(), 96_000, 512, 2, background=True) as engine:
        host = JackHost(engine, server=server.name)
        with host:
            assert (engine.sample_rate, engine.block_size) == (48_000, 256)
            wait_until(lambda: host.stats.blocks > 2, what="blocks")


def test_open_takes_the_servers_settings_and_the_models_width(server, hosts):
    host = hosts(FunctionModel(channels=(1, 3)), server)
    assert (host.engine.sample_rate, host.engine.block_size, host.engine.channels) == (48_000, 256, 3)
    assert hosts(FunctionModel(), server, channels=1).engine.channels == 1


def test_ports_and_names(server, hosts):
    first, second = (hosts(FunctionModel(), server, name="amp") for _ in range(2))
    with first, second:
        assert first.client_name == "amp"
        assert second.client_name not in ("amp", "")
        for host in (first, second):
            expected = {f"{host.client_name}:{port}" for port in ("in_1", "in_2", "out_1", "out_2", "midi_in")}
            assert expected <= set(server.ports())
    assert not [port for port in server.ports() if port.startswith("amp")]


def connections(server, port):
    lines = server.run("jack_lsp", "-c", port).stdout.splitlines()
    return {line.strip() for line in lines if line.startswith(" ")}


def test_connects_to_the_hardware(server, hosts):
    with hosts(FunctionModel(), server, connect=True, name="stereo"):
        assert connections(server, "stereo:in_1") == {"system:capture_1"}
        assert connections(server, "stereo:in_2") == {"system:capture_2"}
        assert connections(server, "stereo:out_1") == {"system:playback_1"}
        assert connections(server, "stereo:out_2") == {"system:playback_2"}
    with hosts(FunctionModel(channels=(1, 1)), server, connect=True, name="mono"):
        assert connections(server, "mono:in_1") == {"system:capture_1"}
        assert connections(server, "mono:out_1") == {"system:playback_1", "system:playback_2"}
    with hosts(FunctionModel(), server, name="alone"):
        assert connections(server, "alone:in_1") == set()


def test_counts_the_servers_xruns(hosts):
    with jack_server(48_000, 64) as server, hosts(FunctionModel(), server) as host:
        wait_until(lambda: host.stats.blocks > 100, what="blocks")
        before = host.stats.xruns
        freeze(server.process.pid)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: host.stats.xruns > before, what="an xrun")
        assert host.running


# -- MIDI --------------------------------------------------------------------------------------------------------------


def two_knobs():
    return FunctionModel(parameters=[knob("drive", low=0.0, high=10.0), knob("tone")])


def test_controllers_set_parameters(client, hosts, server):
    with hosts(two_knobs(), server, cc={1: "drive", 74: "tone"}) as host:
        assert host.cc_map == {1: "drive", 74: "tone"}
        for controller, value in ((1, 127), (74, 0), (1, 0), (5, 99)):
            client.play(server, host.client_name, noise(2, 256), controller=(controller, value))
            if controller == 1:
                assert host.engine.parameters["drive"] == pytest.approx(10.0 * value / 127)
        assert dict(host.engine.parameters) == {"drive": 0.0, "tone": 0.0}
        host.map_cc(1, None)
        client.play(server, host.client_name, noise(2, 256), controller=(1, 127))
        assert host.engine.parameters["drive"] == 0.0


def test_learns_the_next_controller(client, hosts, server):
    with hosts(two_knobs(), server) as host:
        host.learn("tone")
        assert host.learning == "tone"
        client.play(server, host.client_name, noise(2, 256), controller=(123, 0))  # "all notes off" is not a controller
        assert host.learning == "tone"
        client.play(server, host.client_name, noise(2, 256), controller=(21, 127))
        assert host.learning is None
        assert host.cc_map == {21: "tone"}
        assert dict(host.engine.parameters) == {"drive": 0.5, "tone": 1.0}
        host.learn("drive")
        host.learn(None)
        client.play(server, host.client_name, noise(2, 256), controller=(22, 0))
        assert host.cc_map == {21: "tone"}


@pytest.mark.parametrize("number", [-1, 120, 128, 1.5, "1", True])
def test_numbers_that_are_no_controllers(hosts, server, number):
    with pytest.raises(errors.ConfigurationError, match="from 0 to 119"):
        hosts(two_knobs(), server, cc={number: "drive"})


def test_unknown_parameters(hosts, server):
    with pytest.raises(errors.UnknownParameterError, match="drive, tone"):
        hosts(two_knobs(), server, cc={1: "gain"})
    with pytest.raises(errors.UnknownParameterError, match="drive, tone"):
        hosts(two_knobs(), server).learn("gain")


@pytest.mark.parametrize("name", ["", "a:b", 3])
def test_names_that_cannot_be(hosts, server, name):
    with pytest.raises(errors.ConfigurationError, match="name of the JACK client"):
        hosts(FunctionModel(), server, name=name)


def test_importing_it_imports_no_jack():
    script = "import neutone_jack, sys; sys.exit('jack' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=dict(os.environ)).returncode == 0
