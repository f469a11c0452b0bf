"""The engine stays usable after faults of a model, of its audio or of a second thread."""

import threading

import numpy as np
import pytest

from neutone import Engine, Resampler, errors
from support.models import FunctionModel, noise, pass_through, run


def test_nonfinite_output_is_silence_and_counted():
    def spoil(audio, params, out):
        pass_through(audio, params, out)
        out[0, 3], out[1, 5] = np.nan, -np.inf

    model = FunctionModel(spoil)
    engine = Engine(model, 48_000, 16, 2)
    ones = np.ones((2, 16), np.float32)
    out = engine.process(ones)
    assert out[0, 3] == out[1, 5] == 0
    assert out.sum() == 30
    assert engine.stats.nonfinite_output == 2
    resets = model.sessions[0].resets
    engine.process(ones)
    assert model.sessions[0].resets == resets + 1, "a state that may hold NaN is reset"


def test_nonfinite_input_is_silence_and_counted():
    engine = Engine(FunctionModel(rates=[44_100]), 48_000, 64, 2)
    audio = noise(2, 64 * 8)
    spoilt, silenced = audio.copy(), audio.copy()
    spoilt[0, 70], spoilt[1, 200] = np.nan, np.inf
    silenced[0, 70] = silenced[1, 200] = 0
    expected = run(Engine(FunctionModel(rates=[44_100]), 48_000, 64, 2), silenced)
    np.testing.assert_array_equal(run(engine, spoilt), expected)
    assert engine.stats.nonfinite_input == 2


def test_a_model_that_raises_gives_silence_and_one_error():
    calls = []

    def fail_once(audio, params, out):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError("the third block")
        pass_through(audio, params, out)

    engine = Engine(FunctionModel(fail_once, blocks=[32]), 48_000, 32, 2)
    ones = np.ones((2, 32), np.float32)
    out = np.full((2, 32), 9.0, np.float32)
    for block in range(5):
        if block == 2:
            with pytest.raises(errors.InferenceError, match="ZeroDivisionError: the third block") as caught:
                engine.process(ones, out=out)
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
            assert not out.any()
        else:
            np.testing.assert_array_equal(engine.process(ones), 1.0)
    assert engine.stats.failed_blocks == 1


def test_a_keyboard_interrupt_is_not_swallowed():
    def interrupt(audio, params, out):
        raise KeyboardInterrupt

    engine = Engine(FunctionModel(interrupt), 48_000, 32, 2)
    with pytest.raises(KeyboardInterrupt):
        engine.process(np.zeros((2, 32), np.float32))


def test_a_second_thread_is_refused():
    entered, leave = threading.Event(), threading.Event()

    def wait(audio, params, out):
        entered.set()
        assert leave.wait(10)
        pass_through(audio, params, out)

    engine = Engine(FunctionModel(wait), 48_000, 32, 2)
    audio = noise(2, 32)
    results = []
    thread = threading.Thread(target=lambda: results.append(engine.process(audio)))
    thread.start()
    assert entered.wait(10)
    with pytest.raises(RuntimeError, match="another thread"):
        engine.process(audio)
    leave.set()
    thread.join()
    np.testing.assert_array_equal(results[0], audio)
    np.testing.assert_array_equal(engine.process(audio), audio)


@pytest.mark.parametrize("delay", [-5, 1.5, "3", True, 1 << 40])
def test_a_models_wrong_delay_names_the_model(delay):
    with pytest.raises(ValueError, match=r"model_delay of FunctionModel"):
        Engine(FunctionModel(delay=delay), 48_000, 64, 2)


def test_finite_audio_that_overflows_is_silence_and_counted():
    audio = np.full((2, 64), 3e38, np.float32)
    for setting, value in (("output_gain_db", 30.0), ("dry", 1.0), ("input_gain_db", 30.0)):
        engine = Engine(FunctionModel(), 48_000, 64, 2)
        setattr(engine, setting, value)
        assert np.isfinite(engine.process(audio)).all()
        assert engine.stats.nonfinite_output + engine.stats.nonfinite_input == 128
    mono = Engine(FunctionModel(channels=(1, 1)), 48_000, 64, 2)
    assert np.isfinite(mono.process(audio)).all()


def test_one_resampler_in_two_threads_is_refused_or_right():
    resampler = Resampler(48_000, 44_100, channels=2, taps=128)
    audio = noise(2, 100_000)
    refused = []

    def work():
        for _ in range(50):
            try:
                resampler.process(audio)
                resampler.reset()
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("another thread" in words for words in refused)
    resampler.reset()
    alone = Resampler(48_000, 44_100, channels=2, taps=128).process(audio)
    np.testing.assert_array_equal(resampler.process(audio), alone)
