"""Engines in the background: the model runs in a worker thread, the audio thread never waits."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neutone
from neutone import Engine
from support.background import BLOCK, Gate, background
from support.models import FunctionModel, knob, noise, run
from support.waiting import wait_until

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
        # When block 10 goes in, the output for block 9 comes out. The outputs for 10..13 are late. (Block 15 waits.)
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
    """The model outputs a running sum, which shows every frame that is missed, repeated or out of order."""
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


def test_the_names_of_live_on_the_engine():
    """``engine.blocking`` and ``engine.live.blocking`` are the same property, and so are the others."""
    with background() as engine:
        live = engine.live
        engine.blocking = False
        assert live.blocking is False
        live.blocking = True
        assert engine.blocking is True
        engine.process(noise(1, BLOCK))
        assert engine.live_stats.blocks == live.stats.blocks == 1
        engine.claim()
        assert live.claimed
        assert engine.fixed_channels
        live.release()
        assert not engine.fixed_channels
        engine.audio_priority = 3
        assert live.audio_priority == 3
        assert live.take_peaks()[0][0] > 0.0
        assert engine.take_peaks() == ([0.0], [0.0])
        assert engine.error is live.error is None


def test_a_closed_engine_is_claimed_by_nobody():
    with background() as engine:
        live = engine.live
    with pytest.raises(RuntimeError, match="closed"):
        live.claim()
    with pytest.raises(RuntimeError, match="closed"):
        live.blocking = True
