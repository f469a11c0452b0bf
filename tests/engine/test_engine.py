"""The engine as users call it: blocks, shapes and settings."""

import copy
import pickle

import numpy as np
import pytest

from neutone import Engine, Latency, errors
from support.models import FunctionModel, noise, run


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


def test_small_numpy_integers_are_integers():
    engine = Engine(FunctionModel(delay=64), np.uint16(48_000), np.uint8(200), np.int8(2))
    assert engine.latency.model == 64
    assert (type(engine.sample_rate), type(engine.block_size)) == (int, int)


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
