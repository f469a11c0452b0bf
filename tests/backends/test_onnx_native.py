"""ONNX sessions through the C API: the same bits as through Python, and the same state."""

import numpy as np
import pytest
from onnx import TensorProto

import neutone
from neutone import Engine, errors
from support.models import noise, run
from support.native_calls import native_call, native_session
from support.onnx_models import accumulator, fails_on_loud, plain, with_state
from support.onnx_sessions import VARYING, assert_same_bits, both, play, prepared

# -- the same bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("required_state", [False, True])
def test_same_bits_for_any_block(tmp_path, required_state):
    path = accumulator(tmp_path / "m.onnx", required_state=required_state)
    assert_same_bits(prepared(path, 64), VARYING)


@pytest.mark.parametrize("block", [1, 64, 100])
def test_same_bits_for_fixed_blocks(tmp_path, block):
    assert_same_bits(prepared(accumulator(tmp_path / "m.onnx", block=block, channels=3), block), [block] * 7)


@pytest.mark.parametrize("block", [1, 32, 128, 512])
def test_same_bits_from_the_amp(block):
    assert_same_bits(prepared(neutone.default_model(), block), [block, max(block - 1, 1), *[block] * 30])


@pytest.mark.parametrize("look_behind", [0, 1, 30])
@pytest.mark.parametrize("start", [None, 1])
@pytest.mark.parametrize("element", ["FLOAT", "DOUBLE", "FLOAT16", "INT64", "INT32", "BOOL"])
def test_same_bits_with_state_of_every_type(tmp_path, element, start, look_behind):
    path = with_state(tmp_path / "m.onnx", getattr(TensorProto, element), start, look_behind)
    assert_same_bits(prepared(path, 64), VARYING)


@pytest.mark.parametrize("shape", [[2, "N"], [1, "N"], [1, 2, "N"], ["batch", 1, "N"], [5, 64]])
def test_same_bits_from_plain_files(tmp_path, shape):
    sizes = [64] * 4 if shape[-1] == 64 else VARYING
    assert_same_bits(prepared(plain(tmp_path / "m.onnx", shape, node="Exp"), 64), sizes)


def test_same_bits_from_plain_files_with_state(tmp_path):
    path = with_state(tmp_path / "m.onnx", TensorProto.FLOAT, 1, channels=2, layout="plain")
    assert_same_bits(prepared(path, 64), VARYING)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("sizes", [None, [1, 255, 256, 17, 240, 255] * 8])
def test_same_bits_through_an_engine(rate, sizes):
    outputs = []
    for model in both(neutone.default_model()):
        engine = Engine(model, rate, 256, 2, fixed_blocks=sizes is None)
        outputs.append(run(engine, noise(2, 256 * 32), sizes=sizes and [*sizes]))
        engine.reset()
        np.testing.assert_array_equal(run(engine, noise(2, 256 * 32), sizes=sizes and [*sizes]), outputs[-1])
    np.testing.assert_array_equal(*outputs)


# -- its state ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks_before", [0, 1, 2, 3])
def test_reset_forgets_the_state(tmp_path, blocks_before):
    _, session = prepared(accumulator(tmp_path / "m.onnx"), 64)
    first = play(session, [64] * 3)
    session.reset()
    play(session, [64] * blocks_before, seed=1)
    native = native_session(session.native)
    native.reset(native.context)
    np.testing.assert_array_equal(play(session, [64] * 3), first)


@pytest.mark.parametrize("blocks_before", [0, 1, 2])
def test_a_failed_run_leaves_the_state(tmp_path, blocks_before):
    sessions = prepared(fails_on_loud(tmp_path / "m.onnx"), 64)
    answers = []
    for session in sessions:
        heard = []
        for level in [0.5] * blocks_before + [2.0, 2.0, 0.5, 0.5]:
            session.audio_in[...] = level
            if level < 1.0:
                session.run(64)
                heard.append(session.audio_out[0, 0])
            else:
                with pytest.raises(Exception, match="the_table"):
                    session.run(64)
        answers.append(heard)
    assert answers[0] == answers[1] == [0.125 * i for i in range(blocks_before + 2)]


def test_a_failed_run_says_why(tmp_path):
    _, session = prepared(fails_on_loud(tmp_path / "m.onnx"), 64)
    native = native_session(session.native)
    assert native.version == 1
    assert native.error(native.context) is None
    session.audio_in[...] = 2.0
    assert native_call(session, 64)() != 0
    assert b"the_table" in native.error(native.context)
    assert native_call(session, 65)() != 0
    assert native.error(native.context) == b"a block of 65 frames, expected at most 64"
    with pytest.raises(errors.InferenceError, match="65 frames"):
        session.run(65)


def test_an_engine_says_why_and_goes_on(tmp_path, capfd):
    engine = Engine(neutone.load(fails_on_loud(tmp_path / "m.onnx")), 48_000, 64, 1)
    engine.process(noise(1, 64))
    out = np.ones((1, 64), np.float32)
    with pytest.raises(errors.InferenceError, match=r"the model failed: .*the_table"):
        engine.process(np.full((1, 64), 2.0, np.float32), out)
    assert not out.any()
    assert engine.stats.failed_blocks == 1
    assert not engine.process(noise(1, 64)).any(), "it starts over: the state of a failed model is not trusted"
    assert np.all(engine.process(noise(1, 64)) == 0.125)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("native", [False, True])
def test_a_state_that_is_not_finite_is_forgotten(tmp_path, native):
    engine = Engine(neutone.load(accumulator(tmp_path / "m.onnx"), native=native), 48_000, 64, 2)
    fresh = run(engine, noise(2, 256))
    engine.process(np.full((2, 64), 3e38, np.float32))
    assert engine.stats.nonfinite_output > 0
    np.testing.assert_array_equal(run(engine, noise(2, 256)), fresh)
