"""An engine that is reset, configured or closed: what it keeps, what it drops, and that a failure changes nothing."""

import numpy as np
import pytest

from neutone import Engine
from support.models import FunctionModel, knob, multiply, noise, pass_through, run


def test_reset_forgets_audio_and_keeps_settings():
    engine = Engine(FunctionModel(multiply, rates=[44_100], parameters=[knob()]), 48_000, 64, 2)
    engine.parameters["amount"], engine.wet = 0.9, 0.5
    audio = noise(2, 64 * 10)
    first = run(engine, audio)
    engine.reset()
    assert engine.stats.host_blocks == 0
    np.testing.assert_array_equal(run(engine, audio), first)
    assert (engine.parameters["amount"], engine.wet) == (pytest.approx(0.9), 0.5)


def test_configure_keeps_settings_and_frees_the_old_session():
    model = FunctionModel(multiply, rates=[48_000], parameters=[knob()])
    engine = Engine(model, 48_000, 64, 2)
    engine.parameters["amount"] = 0.5
    engine.configure(sample_rate=44_100, block_size=128, channels=1)
    assert (engine.sample_rate, engine.block_size, engine.channels) == (44_100, 128, 1)
    assert engine.latency.resampling > 0
    assert [session.closed for session in model.sessions] == [True, False]
    engine.configure(sample_rate=48_000, fixed_blocks=False)
    np.testing.assert_array_equal(engine.process(np.ones((1, 7), np.float32)), 0.5)


def test_a_failed_configure_changes_nothing():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    for bad in ({"sample_rate": 1}, {"block_size": 0}, {"channels": 0}):
        with pytest.raises(ValueError, match="expected"):
            engine.configure(**bad)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert (engine.sample_rate, engine.block_size, engine.channels) == (48_000, 64, 2)


def test_a_session_with_wrong_memory_is_refused():
    class Wrong(FunctionModel):
        def prepare(self, sample_rate, block_size):
            session = super().prepare(sample_rate, block_size)
            session.audio_out = session.audio_out[:, :-1].copy()
            return session

    with pytest.raises(ValueError, match=r"session\.audio_out"):
        Engine(Wrong(), 48_000, 64, 2)


def test_look_behind_is_the_audio_before():
    def oldest(audio, params, out):
        out[...] = audio[:, : out.shape[1]]

    engine = Engine(FunctionModel(oldest, look_behind=10, blocks=[16]), 48_000, 16, 2)
    audio = noise(2, 160)
    out = run(engine, audio)
    np.testing.assert_array_equal(out[:, 10:], audio[:, :-10])
    assert not out[:, :10].any()


@pytest.mark.parametrize("change", [lambda e: e.configure(block_size=16), lambda e: e.close(), lambda e: e.reset()])
def test_nothing_is_changed_around_a_running_session(change):
    caught = []

    def try_to_change(audio, params, out):
        try:
            change(engine)
        except RuntimeError as error:
            caught.append(str(error))
        pass_through(audio, params, out)

    model = FunctionModel(try_to_change)
    engine = Engine(model, 48_000, 32, 2)
    audio = noise(2, 32)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert "around this very call" in caught[0]
    assert not model.sessions[0].closed


def test_a_session_is_closed_when_no_stream_can_be_made():
    class Wrong(FunctionModel):
        def prepare(self, sample_rate, block_size):
            session = super().prepare(sample_rate, block_size)
            session.params = np.zeros((3, 1), np.float32)
            return session

    model = Wrong()
    with pytest.raises(ValueError, match=r"session\.params"):
        Engine(model, 48_000, 64, 2)
    assert model.sessions[0].closed
