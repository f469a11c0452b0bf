"""Engines in the background: the model runs in a worker thread, the audio thread never waits."""

import contextlib
import ctypes
import gc
import shutil
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neutone
from models import FunctionModel, knob, noise, run
from neutone import Engine, errors
from neutone._core import Player, Pool, Schedule, Stream
from neutone.plugins import Session

BLOCK = 64


def background(model=None, rate=48_000, block=BLOCK, channels=1, *, blocking=True, **options):
    engine = Engine(model or FunctionModel(channels=(1, 1)), rate, block, channels, background=True, **options)
    engine.blocking = blocking
    return engine


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


class Driver:
    """An audio thread that never stops, at about the right speed."""

    def __init__(self, engine, channels=1, block=BLOCK):
        self.engine, self.channels, self.block = engine, channels, block
        self.errors, self.out = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        tick = 0
        while not self._stop.is_set():
            time.sleep(self.block / 48_000)
            t = np.arange(tick, tick + self.block)
            audio = np.tile(np.sin(2 * np.pi * 440 * t / 48_000).astype(np.float32), (self.channels, 1))
            tick += self.block
            try:
                self.out.append(self.engine.process(audio))
            except Exception as error:
                self.errors.append(error)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


# -- latency and equality ----------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    rate=st.sampled_from([44_100, 48_000, 96_000]),
    block=st.sampled_from([16, 64, 100, 512]),
    model_rate=st.sampled_from([(), (44_100,), (48_000,)]),
    model_block=st.sampled_from([(), (64,), (500,)]),
    slack=st.integers(1, 3),
    varies=st.booleans(),
    resampler=st.sampled_from(["linear", "sinc"]),
)
def test_the_same_audio_only_later_by_the_slack(rate, block, model_rate, model_block, slack, varies, resampler):
    model = FunctionModel(channels=(1, 1), rates=model_rate, blocks=model_block, look_behind=7)
    settings = {"resampler": resampler, "fixed_blocks": not varies}
    at_once = Engine(model, rate, block, 1, **settings)
    with background(model, rate, block, slack=slack, **settings) as engine:
        later = slack * block
        assert engine.latency.total == at_once.latency.total + later
        assert engine.latency.slack == later
        audio = noise(1, 24 * block)
        np.testing.assert_array_equal(run(engine, audio)[:, later:], run(at_once, audio)[:, :-later])
        assert engine.stats.starved_frames == 0


def test_an_impulse_comes_out_where_latency_says():
    for slack in (1, 2):
        model = FunctionModel(channels=(1, 1), rates=[44_100], blocks=[512], delay=20)
        with background(model, slack=slack) as engine:
            audio = np.zeros((1, BLOCK * 60), np.float32)
            audio[0, 0] = 1.0
            out = run(engine, audio)
            assert abs(int(np.argmax(np.abs(out))) - (engine.latency.total - engine.latency.model)) <= 1


def test_parameter_curves_and_names_reach_the_model():
    def multiply(audio, params, out):
        out[...] = audio * params

    with background(FunctionModel(multiply, channels=(1, 1), parameters=[knob()])) as engine:
        curve = np.random.default_rng(0).random((1, 640)).astype(np.float32)
        audio = noise(1, 640)
        out = run(engine, audio, curve)
        np.testing.assert_array_equal(out[:, BLOCK:], (audio * curve)[:, :-BLOCK])
        engine.parameters["amount"] = 0.25
        run(engine, audio)
        np.testing.assert_array_equal(run(engine, audio)[:, BLOCK:], 0.25 * audio[:, :-BLOCK])
        with pytest.raises(ValueError, match="NaN"):
            engine.process(audio[:, :BLOCK], params=np.full((1, BLOCK), np.nan, np.float32))


def test_native_sessions_run_in_the_callback_with_no_slack():
    model = neutone.load(neutone.default_model())
    audio = noise(1, BLOCK * 50)
    expected = run(Engine(model, 48_000, BLOCK, 1), audio)
    with background(model, slack=0) as engine:
        assert engine.latency.total == 0
        np.testing.assert_array_equal(run(engine, audio), expected)
        assert engine.live_stats.model_in_callback


# -- late --------------------------------------------------------------------------------------------------------------


class Gate:
    """A model that waits where the test says."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()

    def __call__(self, audio, params, out):
        self.open.wait()
        out[...] = 2.0 * audio


@pytest.mark.parametrize("late", ["silence", "dry", "repeat"])
def test_late_frames_are_replaced_counted_and_dropped(late):
    gate = Gate()
    with background(FunctionModel(gate, channels=(1, 1)), late=late) as engine:
        audio = noise(1, BLOCK * 40)
        blocks = [np.ascontiguousarray(audio[:, i : i + BLOCK]) for i in range(0, audio.shape[1], BLOCK)]
        out = [engine.process(block) for block in blocks[:10]]
        gate.open.clear()
        engine.blocking = False
        out += [engine.process(block) for block in blocks[10:15]]
        gate.open.set()
        engine.blocking = True
        out += [engine.process(block) for block in blocks[15:]]
        heard, expected = np.concatenate(out, axis=1), 2.0 * audio
        # Block 10 goes in and the answer to block 9 comes out; the answers to 10..13 are late. (Block 15 waits.)
        frames = slice(11 * BLOCK, 15 * BLOCK)
        replaced = {
            "silence": np.zeros((1, 4 * BLOCK)),
            "dry": audio[:, 10 * BLOCK : 14 * BLOCK],
            "repeat": np.concatenate([expected[:, 9 * BLOCK : 10 * BLOCK] * 0.5**k for k in range(1, 5)], axis=1),
        }[late]
        np.testing.assert_array_equal(heard[:, frames], replaced.astype(np.float32))
        np.testing.assert_array_equal(heard[:, BLOCK : 11 * BLOCK], expected[:, : 10 * BLOCK])
        np.testing.assert_array_equal(heard[:, 15 * BLOCK :], expected[:, 14 * BLOCK : -BLOCK])
        assert engine.stats.starved_frames == engine.live_stats.late_frames == 4 * BLOCK
        assert engine.stats.lost_frames == 0


def test_a_model_that_is_ten_times_too_slow_loses_frames_and_recovers():
    slow = True

    def body(audio, params, out):
        if slow:
            time.sleep(10 * out.shape[1] / 48_000)
        out[...] = audio

    model = FunctionModel(body, channels=(1, 1), blocks=[1024])
    with background(model, block=1024, blocking=False) as engine:
        block = np.full((1, 1024), 0.5, np.float32)
        for _ in range(60):
            time.sleep(1024 / 48_000)
            engine.process(block)
        assert engine.stats.lost_frames > 0
        assert engine.stats.starved_frames > 0
        slow = False

        def in_time():
            time.sleep(1024 / 48_000)
            return np.array_equal(engine.process(block), block)

        wait_until(in_time)
        before = engine.stats.starved_frames
        engine.blocking = True
        for _ in range(10):
            np.testing.assert_array_equal(engine.process(block), block)
        assert engine.stats.starved_frames == before


def test_order_and_state_survive_being_late():
    """A running sum shows every frame that is missed, repeated or out of order."""
    total = 0.0

    def integrate(audio, params, out):
        nonlocal total
        sums = np.cumsum(audio.astype(np.float64), axis=1) + total
        total = float(sums[0, -1])
        out[...] = sums
        if np.random.default_rng(int(abs(total) * 1e6) % 1000).random() < 0.05:
            time.sleep(0.004)

    with background(FunctionModel(integrate, channels=(1, 1)), blocking=False) as engine:
        audio = noise(1, BLOCK * 400, level=0.01)
        out = []
        for start in range(0, audio.shape[1], BLOCK):
            time.sleep(0.0005)
            out.append(engine.process(np.ascontiguousarray(audio[:, start : start + BLOCK])))
        engine.blocking = True
        for _ in range(5):
            out.append(engine.process(np.zeros((1, BLOCK), np.float32)))
        assert engine.stats.lost_frames == 0
        heard = np.concatenate(out, axis=1)
        expected = np.pad(np.cumsum(audio.astype(np.float64), axis=1), ((0, 0), (BLOCK, 4 * BLOCK)), mode="edge")
        expected[:, :BLOCK] = 0.0
        in_time = heard != 0.0
        np.testing.assert_allclose(heard[in_time], expected[in_time], atol=1e-6)
        assert np.count_nonzero(~in_time) <= engine.stats.starved_frames + BLOCK


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_model_that_raises_is_silence_and_shows_in_error():
    fails = True

    def body(audio, params, out):
        if fails:
            raise OSError("no such luck")
        out[...] = audio

    with background(FunctionModel(body, channels=(1, 1))) as engine:
        audio = noise(1, BLOCK * 4)
        assert engine.error is None
        assert not run(engine, audio).any()
        assert isinstance(engine.error, errors.InferenceError)
        assert "no such luck" in str(engine.error)
        assert engine.stats.failed_blocks == 4
        fails = False
        run(engine, audio)
        np.testing.assert_array_equal(run(engine, audio)[:, BLOCK:], audio[:, :-BLOCK])
        engine.reset()
        assert engine.error is None


def test_nan_from_the_model_is_silence():
    def body(audio, params, out):
        out[...] = audio
        out[0, 3] = np.nan

    model = FunctionModel(body, channels=(1, 1))
    with background(model) as engine:
        out = run(engine, np.ones((1, BLOCK * 8), np.float32))
        assert np.isfinite(out).all()
        assert engine.stats.nonfinite_output == 8
        assert model.sessions[-1].resets >= 7


def test_wrong_blocks_are_the_callers_errors():
    with background(channels=2, model=FunctionModel()) as engine:
        for shape in ((2, 63), (2, 65), (1, 64)):
            with pytest.raises(ValueError, match="expected"):
                engine.process(np.zeros(shape, np.float32))
        with pytest.raises(TypeError):
            engine.process(np.zeros((2, 64)))
        assert engine.process(np.zeros((2, 64), np.float32)).shape == (2, 64)


@pytest.mark.parametrize(
    "options", [{"slack": -1}, {"slack": 1.5}, {"slack": True}, {"slack": 2000}, {"late": "never"}, {"late": []}]
)
def test_options_out_of_range(options):
    with pytest.raises(errors.ConfigurationError, match="expected"):
        background(**options)


def test_no_slack_needs_a_native_session():
    model = FunctionModel(channels=(1, 1))
    with pytest.raises(errors.ConfigurationError, match="native"):
        background(model, slack=0)
    assert model.sessions[-1].closed


def test_live_properties_need_the_background():
    engine = Engine(FunctionModel(), 48_000, BLOCK, 2)
    for read in (lambda: engine.callback, lambda: engine.blocking, lambda: engine.live_stats, engine.take_peaks):
        with pytest.raises(errors.ConfigurationError, match="background=True"):
            read()
    assert engine.error is None
    assert engine.latency.slack == 0


# -- while running -----------------------------------------------------------------------------------------------------


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
    """Of a 440 Hz sine, no step is larger than its own slope and that of the fades allow."""
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
    """It would wait for the block that it is computing."""

    def body(audio, params, out):
        out[...] = audio
        {"reset": engine.reset, "close": engine.close, "configure": lambda: engine.configure(block_size=32)}[what]()

    engine = background(FunctionModel(body, channels=(1, 1)))
    engine.process(np.zeros((1, BLOCK), np.float32))
    assert "may not reset" in str(engine.error)
    assert engine.block_size == BLOCK
    engine.close()


def test_garbage_that_a_worker_finds_does_not_stop_it():
    """An engine in a cycle, let go of, is collected by whichever thread allocates: here the one that runs its model."""
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
    with background() as engine:  # the workers are still there, and so is the collector
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
    """The pool has room for 256."""
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


# -- what hosts use ----------------------------------------------------------------------------------------------------


def test_workers_stay_below_every_audio_thread():
    with background() as one, background() as other:
        if "refused" in one.stats.scheduling:
            pytest.skip(one.stats.scheduling)
        assert one.audio_priority is None
        assert "SCHED_FIFO, priority 4" in one.stats.scheduling
        one.audio_priority = 70
        assert "SCHED_FIFO, priority 4" in other.stats.scheduling
        other.audio_priority = 3
        assert "SCHED_FIFO, priority 2" in one.stats.scheduling
        assert priorities_of_threads() == {2}
        other.audio_priority = 0
        assert "SCHED_FIFO, priority 4" in one.stats.scheduling
        assert priorities_of_threads() == {4}
        for wrong in (-1, 100, 1.0, True, "high"):
            with pytest.raises(errors.ConfigurationError, match="audio_priority"):
                one.audio_priority = wrong
        audio = noise(1, BLOCK * 3)
        np.testing.assert_array_equal(run(one, audio)[:, BLOCK:], audio[:, :-BLOCK])
    with background() as engine:
        assert "SCHED_FIFO, priority 4" in engine.stats.scheduling


def priorities_of_threads():
    """The real-time priorities of this process's threads, as the kernel has them: proc_pid_stat(5), field 40."""
    priorities = set()
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        priorities.add(int(fields[37]))
    return priorities - {0}


class Callback(ctypes.Structure):
    _fields_ = [
        ("context", ctypes.c_void_p),
        (
            "process",
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32),
        ),
        ("set_parameter", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_float)),
        ("set_blocking", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_bool)),
    ]


def callback_of(engine):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return Callback.from_address(get(engine.callback, b"neutone.callback"))


def test_the_callback_of_hosts_in_c():
    model = FunctionModel(lambda audio, params, out: np.multiply(audio, params, out=out), parameters=[knob()])
    with background(model, channels=2, blocking=False) as engine:
        callback = callback_of(engine)
        callback.set_blocking(callback.context, True)
        assert engine.blocking
        callback.set_parameter(callback.context, 0, 0.5)
        audio, out = noise(2, BLOCK), np.empty((2, BLOCK), np.float32)
        ins = (ctypes.c_void_p * 2)(audio[0].ctypes.data, audio[1].ctypes.data)
        outs = (ctypes.c_void_p * 2)(out[0].ctypes.data, out[1].ctypes.data)
        for _ in range(3):
            callback.process(callback.context, ins, outs, 2, BLOCK)
        np.testing.assert_array_equal(out, 0.5 * audio)
        callback.set_parameter(callback.context, 0, 0.125)
        assert engine.parameters["amount"] == 0.125
        engine.parameters["amount"] = 0.3
        assert engine.parameters["amount"] == 0.3
        callback.set_parameter(callback.context, 0, 0.625)
        engine.reset()
        assert engine.parameters["amount"] == 0.625
        callback.process(callback.context, ins, outs, 2, BLOCK // 2)
        assert engine.live_stats.refused_blocks == 1
        engine.close()
        callback.process(callback.context, ins, outs, 2, BLOCK)
        assert not out.any()


def test_the_capsule_keeps_what_the_callback_needs():
    capsule = background(FunctionModel(channels=(1, 1))).callback
    gc.collect()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    callback = Callback.from_address(get(capsule, b"neutone.callback"))
    audio, out = noise(1, BLOCK), np.empty((1, BLOCK), np.float32)
    ins, outs = (ctypes.c_void_p * 1)(audio.ctypes.data), (ctypes.c_void_p * 1)(out.ctypes.data)
    for _ in range(2):
        callback.process(callback.context, ins, outs, 1, BLOCK)
    np.testing.assert_array_equal(out, audio)


def test_live_stats_and_peaks():
    with background(channels=2, model=FunctionModel()) as engine:
        audio = noise(2, BLOCK * 10)
        audio[0, 5], audio[1, 7] = 0.75, -1.0
        run(engine, audio)
        stats = engine.live_stats
        assert (stats.blocks, stats.frames, stats.late_frames, stats.refused_blocks) == (10, 640, 0, 0)
        assert stats.model_times.count == 10
        assert stats.callback_times.count == 10
        assert 0.0 < stats.model_times.percentile(50) <= stats.model_times.longest
        assert stats.load > 0.0
        assert engine.take_peaks() == ([0.75, 1.0], [0.75, 1.0])
        assert engine.take_peaks() == ([0.0, 0.0], [0.0, 0.0])
        run(engine, audio)
        assert engine.live_stats.model_times.since(stats.model_times).count == 10
        assert "SCHED_FIFO" in engine.stats.scheduling


TESTS = str(Path(__file__).parent)


def python(code, *before):
    """In another process; `before` it another program that starts it."""
    return subprocess.run([*before, sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


PREAMBLE = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from models import FunctionModel
from neutone import Engine
def slow(audio, params, out):
    out[...] = sum(range(20000)) * audio
engine = Engine(FunctionModel(slow, channels=(1, 1)), 48_000, 64, 1, background=True)
for _ in range(20):
    engine.process(np.zeros((1, 64), np.float32))
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "del engine",
        "engine.close()",
        "raise SystemExit(0)",
        "import os, multiprocessing as m\n"
        "p = m.get_context('fork').Process(target=lambda: print('child'))\np.start(); p.join(); assert p.exitcode == 0",
        "import os, multiprocessing as m\n"
        "p = m.get_context('fork').Process(target=engine.close)\np.start(); p.join(20); assert p.exitcode == 0",
    ],
)
def test_the_process_ends_cleanly(end):
    """Whatever the worker is doing."""
    done = python(PREAMBLE.format(tests=TESTS) + end)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (util-linux)")
def test_where_real_time_is_refused_the_stats_say_so():
    """As for most users: without the right to SCHED_FIFO."""
    no_limit = "import resource\nresource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\n"
    show = "print(engine.stats.scheduling)"
    done = python(no_limit + PREAMBLE.format(tests=TESTS) + show, "setpriv", "--bounding-set=-sys_nice")
    assert "normal: real-time scheduling was refused" in done.stdout, done.stderr
    assert "docs/live.md" in done.stdout


def make_stream(parameters=0):
    schedule = Schedule.choose(48_000, BLOCK)
    session = FunctionModel(channels=(1, 1), parameters=[knob()] * parameters).prepare(48_000, BLOCK)
    return Stream(
        schedule, session, host_channels=1, in_channels=1, out_channels=1, parameters=parameters, look_behind=0
    )


def test_a_stream_that_was_offered_is_the_players():
    """Threads may be in it: whoever still holds it processes nothing with it, and resets nothing."""
    player, stream, audio = Player(Pool(1, 0)), make_stream(), noise(1, BLOCK)
    with pytest.raises(RuntimeError, match="no stream was offered yet"):
        player.process(audio)
    np.testing.assert_array_equal(stream.process(audio), audio)
    player.offer(stream, 0)
    for call in (lambda: stream.process(audio), stream.reset):
        with pytest.raises(RuntimeError, match="offered to a player"):
            call()
    with pytest.raises(RuntimeError, match="offered before"):
        player.offer(stream, 0)
    np.testing.assert_array_equal(player.process(audio), audio)
    assert player.close() == [stream]
    with pytest.raises(RuntimeError, match="closed"):
        player.process(audio)


def test_a_player_checks_arrays_as_its_newest_stream_does():
    player, alone = Player(Pool(1, 0)), make_stream()
    player.offer(make_stream(parameters=1), 0)
    player.offer(make_stream(), 0)
    bad = [
        (noise(2, BLOCK),),
        (noise(1, BLOCK + 1),),
        (noise(1, BLOCK), np.empty((1, BLOCK - 1), np.float32)),
        (noise(1, BLOCK), None, noise(1, BLOCK)),
        (noise(1, BLOCK).astype(np.float64),),
    ]
    for arrays in bad:
        raised = []
        for one in (alone, player):
            with pytest.raises((ValueError, TypeError)) as error:
                one.process(*arrays)
            raised.append(str(error.value))
        assert raised[0] == raised[1]
    assert player.process(noise(1, BLOCK)).shape == (1, BLOCK)
    player.close()
