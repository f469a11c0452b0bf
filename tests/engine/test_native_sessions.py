"""Sessions with a `native` function: the calls that the stream promises, as seen through an engine."""

import ctypes
import re
import threading
from pathlib import Path

import numpy as np
import pytest

import neutone
from neutone import Engine, errors
from neutone.testing import BackendContract
from support.compiling import compiled
from support.models import FunctionModel, noise
from support.native_calls import NativeSession
from support.waiting import wait_until

PLUGINS = Path(__file__).parents[2] / "docs" / "plugins.md"

new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

CONTEXT = 0x1234
NAME = b"neutone.session"  # a capsule keeps the pointer, so the bytes must stay


class NativeModel(FunctionModel):
    """A function model with native sessions. They run `answer(session, frames)` and note each call in `calls`: its
    frames, or 0 for a reset."""

    def __init__(self, answer, *, reason=None, **options):
        super().__init__(**options)
        self.answer = answer
        self.reason = ctypes.create_string_buffer(reason) if reason else None
        self.calls = []

    def prepare(self, sample_rate, block_size):
        session = super().prepare(sample_rate, block_size)

        def run(context, frames):
            assert context == CONTEXT
            self.calls.append(frames)
            return self.answer(session, frames)

        def reset(context):
            assert context == CONTEXT
            self.calls.append(0)

        def error(context):
            assert context == CONTEXT
            return ctypes.addressof(self.reason) if self.reason else None

        types = dict(NativeSession._fields_)
        # An address, because ctypes would free the text that a Python function returns.
        session.keep_error = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(error)
        session.keep = NativeSession(
            1, CONTEXT, types["run"](run), types["reset"](reset), ctypes.cast(session.keep_error, types["error"])
        )
        self.change(session.keep)
        session.native = new_capsule(ctypes.addressof(session.keep), NAME, None)
        return session

    def change(self, native):
        """Change the struct before the engine sees it. Tests override this."""


def pass_on(session, frames):
    session.run(frames)
    return 0


def test_the_native_function_is_the_session():
    model = NativeModel(pass_on)
    engine = Engine(model, 48_000, 64, 2)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert model.calls == [0, 64]


WAITING = r"""
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
atomic_int entered, may_leave;
int wait_to_leave(void *context, uint32_t frames)
{
    struct timespec pause = {0, 1000000};
    atomic_store(&entered, 1);
    for (int i = 0; i < 20000; i++) {
        if (atomic_load(&may_leave))
            return 0;
        nanosleep(&pause, 0);
    }
    return 1;
}
"""


def test_python_goes_on_while_the_native_function_runs(tmp_path):
    """The native function returns only after another Python thread, which needs the GIL, has told it to."""
    library = ctypes.CDLL(str(compiled(WAITING, tmp_path / "waiting.so")))
    entered, may_leave = (ctypes.c_int.in_dll(library, name) for name in ("entered", "may_leave"))
    model = NativeModel(None)
    address = ctypes.cast(library.wait_to_leave, ctypes.c_void_p).value
    model.change = lambda native: setattr(native, "run", type(native.run)(address))
    engine = Engine(model, 48_000, 64, 2)

    def let_it_leave():
        wait_until(lambda: entered.value, what="the native function runs")
        may_leave.value = 1

    other = threading.Thread(target=let_it_leave)
    other.start()
    engine.process(noise(2, 64))  # raises if the native function was not told in time
    other.join()


def test_reset_resets_it():
    model = NativeModel(pass_on)
    engine = Engine(model, 48_000, 64, 2)
    engine.process(noise(2, 64))
    engine.reset()
    assert model.calls == [0, 64, 0]
    assert model.sessions[0].resets == 0


def test_a_session_without_state_has_no_reset():
    model = NativeModel(pass_on)
    model.change = lambda native: setattr(native, "reset", type(native.reset)())
    engine = Engine(model, 48_000, 64, 2)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    engine.reset()
    assert model.calls == [64]
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
    ("reason", "message"),
    [
        (b"the roof is on fire", "the roof is on fire"),
        ("Größe: ∞".encode(), "Größe: ∞"),
        (b"\xff not UTF-8", "\ufffd not UTF-8"),
        (None, "its native session does not say"),
    ],
)
def test_a_failure_is_silence_and_says_why(reason, message):
    model = NativeModel(lambda session, frames: 7, reason=reason)
    engine = Engine(model, 48_000, 64, 2)
    out = np.ones((2, 64), np.float32)
    with pytest.raises(errors.InferenceError, match=f"the model failed: {message}"):
        engine.process(noise(2, 64), out)
    assert not out.any()
    assert engine.stats.failed_blocks == 1
    model.answer = pass_on
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    assert model.calls == [0, 64, 0, 64], "after a failure its state is not trusted"


def test_a_failure_without_a_function_that_says_why():
    model = NativeModel(lambda session, frames: 7)
    model.change = lambda native: setattr(native, "error", type(native.error)())
    with pytest.raises(errors.InferenceError, match="its native session does not say"):
        Engine(model, 48_000, 64, 2).process(noise(2, 64))


# -- what is not a native session --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 2, 0x4855_8948])
def test_another_version_is_refused(version):
    """A capsule of another origin may point to any memory."""
    model = NativeModel(pass_on)
    model.change = lambda native: setattr(native, "version", version)
    with pytest.raises(errors.ConfigurationError, match=f"nt_session of version {version}, expected .*of version 1"):
        Engine(model, 48_000, 64, 2)
    assert model.calls == []
    assert model.sessions[0].closed


def test_one_without_run_is_refused():
    model = NativeModel(pass_on)
    model.change = lambda native: setattr(native, "run", type(native.run)())
    with pytest.raises(errors.ConfigurationError, match="is an nt_session without run, expected"):
        Engine(model, 48_000, 64, 2)


class OddModel(FunctionModel):
    def __init__(self, native):
        super().__init__()
        self.native = native

    def prepare(self, sample_rate, block_size):
        session = super().prepare(sample_rate, block_size)
        session.native = self.native
        return session


OTHER_NAME = b"other.session"


@pytest.mark.parametrize(
    ("native", "message"),
    [
        (new_capsule(CONTEXT, OTHER_NAME, None), "a PyCapsule 'other.session'"),
        (new_capsule(CONTEXT, None, None), "a PyCapsule without a name"),
        (lambda frames: 0, "'function'"),
    ],
)
def test_another_object_is_refused(native, message):
    with pytest.raises(
        errors.ConfigurationError, match=f"native of FunctionSession is {message}, expected a PyCapsule"
    ):
        Engine(OddModel(native), 48_000, 64, 2)


# -- the example of docs/plugins.md ------------------------------------------------------------------------------------


@pytest.fixture
def one_pole(tmp_path, monkeypatch):
    """The names that the example defines, after its C code was compiled to the path that it loads."""
    chapter = PLUGINS.read_text("utf-8").split("\n## A native session in C\n")[1].split("\n## ")[0]
    (c,), (python,) = (re.findall(rf"```{language}\n(.*?)```", chapter, re.DOTALL) for language in ("c", "python"))
    warnings = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
    compiled(c, tmp_path / "one_pole.so", *warnings, f"-I{neutone.get_include()}")
    monkeypatch.chdir(tmp_path)
    defined = {}
    exec(compile(python, str(PLUGINS), "exec"), defined)
    return defined


@pytest.fixture
def one_pole_file(tmp_path):
    path = tmp_path / "soft.pole"
    path.write_text("0.25")
    return path


@pytest.fixture
def one_pole_model(one_pole, one_pole_file):
    return one_pole["OnePoleBackend"]().load(one_pole_file)


class TestExampleContract(BackendContract):
    @pytest.fixture(autouse=True)
    def _backend(self, one_pole):
        self.backend = one_pole["OnePoleBackend"]

    @pytest.fixture
    def model_file(self, one_pole_file):
        return one_pole_file


def low_passed(audio, weights):
    out, last = np.empty_like(audio), np.zeros(len(audio), np.float32)
    for i in range(audio.shape[1]):
        last = last + weights[i] * (audio[:, i] - last)
        out[:, i] = last
    return out


MODES = [{}, {"background": True}, {"background": True, "slack": 0}]


def play(engine, audio, weights):
    block = engine.block_size
    starts = range(0, audio.shape[1], block)
    return np.concatenate(
        [engine.process(audio[:, k : k + block], None, weights[np.newaxis, k : k + block]) for k in starts], axis=1
    )


def one_pole_engine(model, options):
    engine = Engine(model, 48_000, 64, 2, **options)
    if options:
        engine.blocking = True
    return engine


@pytest.mark.parametrize("options", MODES, ids=str)
def test_the_example_filters_and_resets(one_pole_model, options):
    audio, weights = 0.5 * noise(2, 64 * 8), np.linspace(0.0, 1.0, 64 * 8, dtype=np.float32)
    expected = low_passed(audio, weights)
    with one_pole_engine(one_pole_model, options) as engine:
        assert dict(engine.parameters) == {"weight": 0.25}
        late = engine.latency.total
        assert late == (64 if options.get("slack", 1) and options else 0)
        for _ in range(2):
            out = play(engine, audio, weights)
            np.testing.assert_allclose(out[:, late:], expected[:, : 64 * 8 - late], rtol=0, atol=1e-6)
            engine.reset()
            if options:  # the block in which the new stream takes over contains the end of the old one
                engine.process(np.zeros((2, 64), np.float32), None, np.ones((1, 64), np.float32))
        assert engine.error is None


@pytest.mark.parametrize("options", MODES, ids=str)
def test_the_example_fails_and_says_why(one_pole_model, options):
    quiet, loud = np.full((2, 64), 0.5, np.float32), np.full((2, 64), 9.0, np.float32)
    half, message = np.full((1, 64), 0.5, np.float32), "louder than the filter was made for"
    with one_pole_engine(one_pole_model, options) as engine:
        heard = []
        for block in (quiet, loud, quiet, quiet):
            if block is loud and not options:
                out = np.ones((2, 64), np.float32)
                with pytest.raises(errors.InferenceError, match=f"the model failed: {message}"):
                    engine.process(block, out, half)
            else:
                out = engine.process(block, None, half)
            heard.append(out.copy())
        late = engine.latency.total // 64
        assert not heard[1 + late].any(), "a block that failed is silence"
        np.testing.assert_array_equal(heard[2 + late], heard[late])  # the model was reset after the block that failed
        assert engine.stats.failed_blocks == 1
        if options:
            assert message in str(engine.error)


def test_the_example_runs_without_an_engine(one_pole):
    session = one_pole["OnePoleSession"](64)
    session.audio_in[...] = 0.5
    session.params[...] = 0.5
    session.run(64)
    first = session.audio_out.copy()
    np.testing.assert_allclose(first, low_passed(session.audio_in, session.params[0]), rtol=0, atol=1e-6)
    session.run(64)
    assert (session.audio_out[:, 0] > first[:, 0]).all(), "it has a state"
    session.reset()
    session.run(64)
    np.testing.assert_array_equal(session.audio_out, first)
    session.audio_in[...] = 9.0
    with pytest.raises(RuntimeError, match="louder"):
        session.run(64)
