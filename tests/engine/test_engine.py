"""The engine as its users call it: shapes, parameters, levels, errors, reconfiguration."""

import copy
import pickle
import threading

import numpy as np
import pytest

from neutone import Engine, Latency, Resampler, errors
from support.models import FunctionModel, knob, multiply, noise, pass_through, run


def test_same_rate_any_block_passes_at_once():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert engine.latency == Latency(0, 0, 0)
    assert engine.latency.total == 0


def test_whole_model_blocks_wait_for_m_minus_gcd():
    engine = Engine(FunctionModel(blocks=[512]), 48_000, 441, 2)
    assert engine.latency == Latency(0, 511, 0)
    audio = noise(2, 441 * 30)
    out = run(engine, audio)
    assert not out[:, :511].any()
    np.testing.assert_array_equal(out[:, 511:], audio[:, :-511])
    assert engine.model_block_size == 512


def test_the_nearest_rate_above_is_chosen():
    assert Engine(FunctionModel(rates=[44_100, 96_000, 88_200]), 48_000, 64).model_sample_rate == 88_200
    assert Engine(FunctionModel(rates=[22_050, 44_100]), 48_000, 64).model_sample_rate == 44_100
    assert Engine(FunctionModel(rates=[44_100, 48_000]), 48_000, 64).model_sample_rate == 48_000


def test_out_is_filled_and_answered():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    audio, out = noise(2, 64), np.empty((2, 64), np.float32)
    assert engine.process(audio, out=out) is out
    np.testing.assert_array_equal(out, audio)


def test_in_place():
    engine, other = (Engine(FunctionModel(rates=[44_100], blocks=[32]), 48_000, 64, 2) for _ in range(2))
    for seed in range(20):
        audio = noise(2, 64, seed)
        expected = other.process(audio.copy())
        engine.process(audio, out=audio)
        np.testing.assert_array_equal(audio, expected)


def test_layouts_of_input_do_not_matter():
    interleaved = noise(64, 2)
    strided = noise(2, 128)[:, ::2]
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    np.testing.assert_array_equal(engine.process(interleaved.T), interleaved.T)
    np.testing.assert_array_equal(engine.process(strided), strided)
    part = np.zeros((2, 200), np.float32)
    engine.process(strided, out=part[:, 100:164])
    np.testing.assert_array_equal(part[:, 100:164], strided)
    assert not part[:, :100].any()
    assert not part[:, 164:].any()


@pytest.mark.parametrize(
    ("audio", "error", "words"),
    [
        (np.zeros((2, 65), np.float32), ValueError, ["65", "64"]),
        (np.zeros((2, 63), np.float32), ValueError, ["63", "exactly 64", "fixed_blocks"]),
        (np.zeros((1, 64), np.float32), ValueError, ["1", "2"]),
        (np.zeros((3, 64), np.float32), ValueError, ["3", "2"]),
        (np.zeros(64, np.float32), ValueError, ["(64,)", "channels"]),
        (np.zeros((1, 2, 64), np.float32), ValueError, ["(1, 2, 64)"]),
        (np.zeros((2, 64)), TypeError, ["float64", "float32"]),
        (np.zeros((2, 64), np.int16), TypeError, ["int16", "float32"]),
        (np.zeros((2, 64), ">f4"), TypeError, ["float32"]),
        ([[0.0] * 64] * 2, TypeError, ["list", "float32"]),
        (None, TypeError, ["NoneType"]),
    ],
    ids=lambda value: str(getattr(value, "shape", ""))[:20],
)
def test_wrong_audio_is_refused_and_the_engine_goes_on(audio, error, words):
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    good = noise(2, 64)
    with pytest.raises(error) as caught:
        engine.process(audio)
    assert isinstance(caught.value, errors.NeutoneError)
    for word in words:
        assert word in str(caught.value)
    np.testing.assert_array_equal(engine.process(good), good)
    assert engine.stats.host_blocks == 1


def test_wrong_out_is_refused():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    audio = noise(2, 64)
    read_only = np.zeros((2, 64), np.float32)
    read_only.flags.writeable = False
    for out in (np.zeros((2, 63), np.float32), np.zeros((64, 2), np.float32).T, read_only):
        with pytest.raises(ValueError, match="out"):
            engine.process(audio, out=out)
    for overlap in (0, 4, 63 * 4, -4):
        memory = np.zeros(1000, np.float32)[500:]
        shared = np.lib.stride_tricks.as_strided(memory, (2, 64), (overlap, 4))
        with pytest.raises(ValueError, match="rows overlap"):
            engine.process(audio, out=shared)
    with pytest.raises(TypeError, match="out"):
        engine.process(audio, out=np.zeros((2, 64)))
    np.testing.assert_array_equal(engine.process(audio), audio)


def test_varying_blocks():
    engine = Engine(FunctionModel(), 48_000, 64, 2, fixed_blocks=False)
    for frames in (1, 64, 13, 0, 40):
        audio = noise(2, frames)
        np.testing.assert_array_equal(engine.process(audio), audio)
    with pytest.raises(ValueError, match="at most 64"):
        engine.process(noise(2, 65))


def test_refused_settings():
    model = FunctionModel()
    for settings in (
        {"sample_rate": 0},
        {"sample_rate": 999},
        {"sample_rate": 44_100.5},
        {"block_size": 0},
        {"block_size": -1},
        {"block_size": True},
        {"channels": 0},
        {"resampler": "cubic"},
        {"taps": 7},
        {"taps": 130},
    ):
        with pytest.raises(ValueError, match=r"expected|must be"):
            Engine(FunctionModel(rates=[44_100]), **settings)
    with pytest.raises(ValueError, match=r"neutone\.load"):
        Engine("amp.onnx")
    engine = Engine(model)
    for name, bad in (("wet", 1.1), ("dry", -0.1), ("input_gain_db", 31), ("output_gain_db", float("nan"))):
        with pytest.raises(ValueError, match="expected"):
            setattr(engine, name, bad)


# -- parameters --------------------------------------------------------------------------------------------------------


def test_scalars_ramp_over_one_block():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.25)]), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    np.testing.assert_array_equal(engine.process(ones), 0.25)
    engine.parameters["amount"] = 0.75
    ramp = 0.25 + 0.5 * np.arange(1, 65) / 64
    np.testing.assert_allclose(engine.process(ones), np.stack([ramp, ramp]), atol=1e-6)
    np.testing.assert_array_equal(engine.process(ones), 0.75)


def test_values_set_before_the_first_block_hold_from_its_first_frame():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.25)]), 48_000, 64, 2)
    np.testing.assert_array_equal(engine.process(np.ones((2, 64), np.float32), params={"amount": 1.0}), 1.0)


def test_curves_act_on_their_own_frame():
    engine = Engine(FunctionModel(multiply, parameters=[knob(), knob("other")], blocks=[100]), 48_000, 64, 2)
    audio, curves = noise(2, 64 * 50), np.random.default_rng(1).random((2, 64 * 50), np.float32)
    out = run(engine, audio, curves)
    delay = engine.latency.total
    np.testing.assert_allclose(out[:, delay:], (audio * curves[0])[:, :-delay], atol=1e-7)


def test_after_a_curve_scalars_ramp_from_its_end():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.0)]), 48_000, 4, 2)
    ones = np.ones((2, 4), np.float32)
    engine.process(ones, params=np.full((1, 4), 0.8, np.float32))
    np.testing.assert_allclose(engine.process(ones)[0], [0.6, 0.4, 0.2, 0.0], atol=1e-6)


def test_natural_units_and_labels():
    seen = []
    model = FunctionModel(
        lambda audio, params, out: seen.append(params[:, -1].copy()),
        parameters=[
            knob("gain", 6.0, -10.0, 30.0),
            {"type": "categorical", "name": "mode", "n_values": 3, "default_value": 1, "labels": ["a", "b", "c"]},
        ],
    )
    engine = Engine(model, 48_000, 16, 2)
    silence = np.zeros((2, 16), np.float32)
    assert dict(engine.parameters) == {"gain": 6.0, "mode": "b"}
    engine.process(silence)
    engine.process(silence, params={"gain": 20, "mode": "c"})
    engine.parameters["mode"] = 0
    engine.process(silence)
    np.testing.assert_allclose(seen, [[0.4, 0.5], [0.75, 1.0], [0.75, 0.0]], atol=1e-6)
    assert engine.parameters["gain"] == pytest.approx(20)
    assert engine.parameters["mode"] == "a"
    del engine.parameters["gain"]
    assert engine.parameters["gain"] == pytest.approx(6)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"amount": float("nan")}, ValueError, ["amount", "nan", "0 to 1"]),
        ({"amount": 1.5}, ValueError, ["amount", "1.5"]),
        ({"amount": "loud"}, ValueError, ["amount", "loud"]),
        ({"amount": None}, ValueError, ["amount", "None"]),
        ({"volume": 0.5}, KeyError, ["volume", "amount"]),
        ({"amount": 0.9, "volume": 0.5}, KeyError, ["volume"]),
        (np.zeros((2, 64), np.float32), ValueError, ["(2, 64)", "(1, 64)"]),
        (np.zeros((1, 63), np.float32), ValueError, ["(1, 63)", "(1, 64)"]),
        (np.zeros((1, 64)), TypeError, ["float64"]),
        (np.full((1, 64), np.nan, np.float32), ValueError, ["NaN"]),
        (0.5, TypeError, ["float"]),
    ],
)
def test_wrong_params_are_refused_and_change_nothing(params, error, words):
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.5)]), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    with pytest.raises(error) as caught:
        engine.process(ones, params=params)
    assert isinstance(caught.value, errors.NeutoneError)
    for word in words:
        assert word in str(caught.value)
    np.testing.assert_array_equal(engine.process(ones), 0.5)


def test_curves_outside_0_to_1_are_clamped():
    engine = Engine(FunctionModel(multiply, parameters=[knob()]), 48_000, 4, 2)
    curve = np.array([[-1.0, 0.5, 1.0000001, np.inf]], np.float32)
    np.testing.assert_array_equal(engine.process(np.ones((2, 4), np.float32), params=curve)[0], [0, 0.5, 1, 1])


# -- levels ------------------------------------------------------------------------------------------------------------


def test_dry_is_the_input_delayed_alike():
    engine = Engine(FunctionModel(rates=[44_100], blocks=[512], delay=100), 48_000, 128, 2)
    engine.wet, engine.dry, engine.input_gain_db = 0.0, 1.0, 12.0
    audio = noise(2, 128 * 40)
    out = run(engine, audio)
    delay = engine.latency.total
    assert engine.latency.model == round(100 * 48_000 / 44_100)
    assert not out[:, :delay].any()
    np.testing.assert_array_equal(out[:, delay:], audio[:, :-delay])


def test_gains_are_decibels():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    audio = noise(2, 64)
    engine.input_gain_db, engine.output_gain_db, engine.wet = 6.0, -12.0, 0.5
    np.testing.assert_allclose(engine.process(audio), audio * 0.5 * 10 ** (-6 / 20), rtol=1e-5)


def test_a_change_of_level_is_a_ramp():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    engine.process(ones)
    engine.wet = 0.0
    np.testing.assert_allclose(engine.process(ones)[0], 1 - np.arange(1, 65) / 64, atol=1e-6)
    assert not engine.process(ones).any()


def test_levels_start_at_the_models_own():
    model = FunctionModel()
    model.metadata = model.metadata.model_copy(
        update={"wet_default_value": 0.5, "dry_default_value": 0.25, "input_gain_default_value": 0.6}
    )
    engine = Engine(model)
    assert (engine.wet, engine.dry, engine.output_gain_db) == (0.5, 0.25, 0.0)
    assert engine.input_gain_db == pytest.approx(6.0)


@pytest.mark.parametrize("host", [1, 2, 3, 5])
@pytest.mark.parametrize("model", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 5)])
def test_channel_mapping(host, model):
    def fold(rows, count):
        return np.stack(
            [
                rows[[a for a in range(len(rows)) if a % count == b]].mean(0) if b < len(rows) else rows[b % len(rows)]
                for b in range(count)
            ]
        )

    engine = Engine(FunctionModel(channels=model), 48_000, 32, host)
    audio = noise(host, 32)
    inside = fold(audio, model[0])
    answered = np.stack([inside[channel % model[0]] for channel in range(model[1])])
    np.testing.assert_allclose(engine.process(audio), fold(answered, host), atol=1e-6)


# -- faults ------------------------------------------------------------------------------------------------------------


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


# -- reset, configure, close -------------------------------------------------------------------------------------------


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


# -- what a tester found ---------------------------------------------------------------------------------------------


def test_parameters_cannot_be_removed_but_put_back():
    engine = Engine(FunctionModel(parameters=[knob(default=0.25), knob("other", 0.5)]), 48_000, 64, 2)
    engine.parameters.update(amount=1.0, other=1.0)
    assert engine.parameters.pop("amount") == 1.0
    assert engine.parameters["amount"] == 0.25
    engine.parameters.clear()
    assert dict(engine.parameters) == {"amount": 0.25, "other": 0.5}
    with pytest.raises(KeyError, match="cannot be removed"):
        engine.parameters.popitem()


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


def test_small_numpy_integers_are_integers():
    engine = Engine(FunctionModel(delay=64), np.uint16(48_000), np.uint8(200), np.int8(2))
    assert engine.latency.model == 64
    assert (type(engine.sample_rate), type(engine.block_size)) == (int, int)


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


def test_misaligned_float32_is_copied():
    raw = np.zeros(2 * 64 * 4 + 1, np.uint8)
    audio = raw[1:].view(np.float32).reshape(2, 64) if raw[1:].flags.aligned else np.frombuffer(raw, np.float32, 128, 1)
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    assert not engine.process(audio.reshape(2, 64)).any()


def test_an_engine_is_not_copied():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    for action in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="make another from its model"):
            action(engine)
    assert "48000 Hz / 64 frames" in repr(engine)


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
