"""Sessions with a `native` function: what the stream promises to call, seen through an engine."""

import ctypes

import numpy as np
import pytest

from neutone import Engine, errors
from support.models import FunctionModel, noise

FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
set_context = ctypes.pythonapi.PyCapsule_SetContext
set_context.restype, set_context.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_void_p]

CONTEXT = 0x1234


class NativeModel(FunctionModel):
    """A function model whose sessions are native: `answer(session, frames)` runs or, for 0 frames, resets it."""

    def __init__(self, answer, **options):
        super().__init__(**options)
        self.answer = answer
        self.calls = []

    def prepare(self, sample_rate, block_size):
        session = super().prepare(sample_rate, block_size)

        def call(context, frames):
            assert context == CONTEXT
            self.calls.append(frames)
            return self.answer(session, frames)

        session.keep = FUNCTION(call)
        session.native = new_capsule(ctypes.cast(session.keep, ctypes.c_void_p), b"neutone.session", None)
        set_context(session.native, CONTEXT)
        return session


def pass_on(session, frames):
    if frames:
        session.run(frames)
    return 0


def test_the_native_function_is_the_session():
    model = NativeModel(pass_on)
    engine = Engine(model, 48_000, 64, 2)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert model.calls == [0, 64]


def test_zero_frames_reset_it():
    model = NativeModel(pass_on)
    engine = Engine(model, 48_000, 64, 2)
    engine.process(noise(2, 64))
    engine.reset()
    assert model.calls == [0, 64, 0]
    assert model.sessions[0].resets == 0


def test_it_is_reset_after_an_output_that_is_not_finite():
    def answer(session, frames):
        pass_on(session, frames)
        session.audio_out[0, 0] = np.nan
        return 0

    model = NativeModel(answer)
    engine = Engine(model, 48_000, 64, 2)
    for _ in range(2):
        engine.process(noise(2, 64))
    assert model.calls == [0, 64, 0, 64]
    assert engine.stats.nonfinite_output == 2


@pytest.mark.parametrize(
    ("reason", "message"), [("the roof is on fire", "the roof is on fire"), (None, "its native session does not say")]
)
def test_a_failure_is_silence_and_says_why(reason, message, monkeypatch):
    model = NativeModel(lambda session, frames: 7 if frames else 0)
    engine = Engine(model, 48_000, 64, 2)
    monkeypatch.setattr(type(model.sessions[0]), "native_error", reason)
    out = np.ones((2, 64), np.float32)
    with pytest.raises(errors.InferenceError, match=f"the model failed: {message}"):
        engine.process(noise(2, 64), out)
    assert not out.any()
    assert engine.stats.failed_blocks == 1
    model.answer = pass_on
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert model.calls == [0, 64, 0, 64], "after a failure its state is not trusted"
