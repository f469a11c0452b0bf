"""Engines in the background: reset, configured and closed while audio runs, by any thread."""

import contextlib
import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from neutone import errors
from neutone.plugins import Session
from support.background import BLOCK, Driver, background
from support.models import FunctionModel, knob, noise, run
from support.waiting import wait_until


def test_reset_and_configure_while_audio_runs():
    model = FunctionModel(channels=(1, 1), parameters=[knob()])
    engine = background(model, blocking=False)
    engine.parameters["amount"] = 0.75
    with Driver(engine) as driver:
        wait_until(lambda: engine.live_stats.blocks)
        for _ in range(20):
            engine.reset()
            engine.configure(sample_rate=44_100)
            engine.configure(sample_rate=48_000)
    assert driver.errors == []
    assert engine.live_stats.takeovers == 61
    assert engine.parameters["amount"] == 0.75
    assert sum(not session.closed for session in model.sessions) <= 2
    assert np.isfinite(np.concatenate(driver.out)).all()
    engine.close()
    assert all(session.closed for session in model.sessions)


def test_a_reset_does_not_click():
    """No step in a 440 Hz sine is larger than its own slope and the slope of the fades allow."""
    engine = background(blocking=False)
    with Driver(engine) as driver:
        time.sleep(0.1)
        for _ in range(5):
            engine.reset()
            time.sleep(0.05)
    late = engine.live_stats.late_frames
    engine.close()
    out = np.concatenate(driver.out, axis=1)[0]
    if late == 0:
        assert np.abs(np.diff(out)).max() < 2 * np.pi * 440 / 48_000 + 2.0 / BLOCK


def test_an_engine_that_nobody_drives_can_be_reset_and_closed():
    model = FunctionModel(channels=(1, 1))
    engine = background(model)
    for _ in range(3):
        engine.reset()
    assert sum(not session.closed for session in model.sessions) == 1
    audio = noise(1, BLOCK * 4)
    out = run(engine, audio)
    np.testing.assert_array_equal(out[:, 2 * BLOCK :], audio[:, BLOCK : 3 * BLOCK])
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.process(audio[:, :BLOCK])
    with pytest.raises(RuntimeError, match="closed"):
        engine.reset()


def test_a_failing_reconfiguration_leaves_the_engine_as_it_was():
    engine = background()
    audio = noise(1, BLOCK * 4)
    run(engine, audio)
    with pytest.raises(ValueError, match="sample_rate"):
        engine.configure(sample_rate=3)
    np.testing.assert_array_equal(run(engine, audio)[:, BLOCK:], audio[:, :-BLOCK])
    assert engine.sample_rate == 48_000
    engine.close()


def test_many_engines_share_the_workers():
    def gain(factor):
        def body(audio, params, out):
            out[...] = factor * audio

        return body

    engines = [background(FunctionModel(gain(k), channels=(1, 1))) for k in range(1, 21)]
    audio = noise(1, BLOCK * 20)
    outs = [[] for _ in engines]
    for start in range(0, audio.shape[1], BLOCK):
        for engine, out in zip(engines, outs, strict=True):
            out.append(engine.process(np.ascontiguousarray(audio[:, start : start + BLOCK])))
    for factor, (engine, out) in enumerate(zip(engines, outs, strict=True), 1):
        heard = np.concatenate(out, axis=1)
        np.testing.assert_array_equal(heard[:, BLOCK:], np.float32(factor) * audio[:, :-BLOCK])
        engine.close()
    names = [thread.name for thread in threading.enumerate()]
    assert len(names) < 10


def test_closing_waits_for_a_model_that_is_computing():
    entered, leave = threading.Event(), threading.Event()

    def body(audio, params, out):
        entered.set()
        leave.wait()

    engine = background(FunctionModel(body, channels=(1, 1)), blocking=False)
    engine.process(np.zeros((1, BLOCK), np.float32))
    entered.wait()
    closing = threading.Thread(target=engine.close)
    closing.start()
    assert closing.is_alive()
    leave.set()
    closing.join(10)
    assert not closing.is_alive()


def test_two_threads_are_refused_not_queued():
    entered, leave = threading.Event(), threading.Event()

    class Waiting(Session):
        def __init__(self):
            self.audio_in = self.audio_out = np.zeros((1, BLOCK), np.float32)
            self.params = np.zeros((0, BLOCK), np.float32)

        def run(self, frames):
            entered.set()
            leave.wait()

    model = FunctionModel(channels=(1, 1))
    model.prepare = lambda rate, block: Waiting()
    engine = background(model)
    block = np.zeros((1, BLOCK), np.float32)
    first = threading.Thread(target=lambda: engine.process(block.copy()))
    first.start()
    entered.wait()
    with pytest.raises(RuntimeError, match="processing"):
        engine.process(block.copy())
    leave.set()
    first.join()
    engine.close()


@pytest.mark.parametrize("what", ["reset", "close", "configure"])
def test_a_model_that_meddles_with_its_engine_is_refused(what):
    """Otherwise the call would wait for the block that it is part of."""

    def body(audio, params, out):
        out[...] = audio
        {"reset": engine.reset, "close": engine.close, "configure": lambda: engine.configure(block_size=32)}[what]()

    engine = background(FunctionModel(body, channels=(1, 1)))
    engine.process(np.zeros((1, BLOCK), np.float32))
    assert "may not reset" in str(engine.error)
    assert engine.block_size == BLOCK
    engine.close()


def test_garbage_that_a_worker_finds_does_not_stop_it():
    """An engine that is part of a reference cycle is collected by whichever thread allocates: here the one that runs
    its model."""
    collected = []

    def body(audio, params, out):
        out[...] = audio
        holder.clear()
        collected.append(gc.collect())

    class App:
        def __init__(self):
            self.engine = background(FunctionModel(body, channels=(1, 1)), blocking=False)
            self.report = self.describe  # a cycle

        def describe(self):
            pass

    holder = [App()]
    holder[0].engine.process(np.zeros((1, BLOCK), np.float32))
    wait_until(lambda: collected)
    with background() as engine:  # the workers still run, and so does the collector
        audio = noise(1, BLOCK * 4)
        np.testing.assert_array_equal(run(engine, audio)[:, BLOCK:], audio[:, :-BLOCK])

    class Cycle:
        pass

    cycle = Cycle()
    cycle.itself, alive = cycle, weakref.ref(cycle)
    del cycle
    gc.collect()
    assert alive() is None


def test_an_offer_that_fails_leaves_the_engine_as_it_was():
    """The pool has room for 256 streams."""
    others, model = [], FunctionModel(channels=(1, 1), parameters=[knob()])
    engine = background(model)
    try:
        with contextlib.suppress(errors.ConfigurationError):
            while len(others) < 300:
                others.append(background())
        with pytest.raises(errors.ConfigurationError, match="256"):
            engine.reset()
        assert sum(not session.closed for session in model.sessions) == 1
        engine.parameters["amount"] = 0.9
        run(engine, noise(1, BLOCK * 3))
        assert model.sessions[0].params[0, -1] == np.float32(0.9)
    finally:
        for other in [*others, engine]:
            other.close()


def test_channels_stay_while_a_host_plays():
    with background() as engine:
        engine.claim()
        assert engine.fixed_channels
        with pytest.raises(errors.HostError, match="another host"):
            engine.claim()
        with pytest.raises(errors.ConfigurationError, match="while a host plays"):
            engine.configure(channels=2)
        engine.configure(channels=1, block_size=32)
        engine.release()
        engine.configure(channels=2)
        assert engine.channels == 2


def test_engines_come_and_go_in_many_threads():
    failures = []

    def come_and_go():
        try:
            for _ in range(40):
                with background() as engine:
                    engine.audio_priority = 0
        except Exception as error:
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=come_and_go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failures == []


def test_a_session_that_does_not_close_is_a_warning():
    class Stubborn(FunctionModel):
        def prepare(self, sample_rate, block_size):
            session = super().prepare(sample_rate, block_size)

            def close():
                raise OSError("no")

            session.close = close
            return session

    engine = background(Stubborn(channels=(1, 1)))
    run(engine, noise(1, BLOCK))
    with pytest.warns(errors.PluginWarning, match="close raised OSError: no"):
        engine.close()


def test_an_error_without_words_is_still_told():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    def body(audio, params, out):
        raise Mute

    with background(FunctionModel(body, channels=(1, 1))) as engine:
        run(engine, noise(1, BLOCK))
        assert "Mute" in str(engine.error)
