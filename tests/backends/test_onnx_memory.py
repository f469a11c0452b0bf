"""The memory of ONNX sessions through the C API: what they hold, for how long, and that nothing leaks."""

import ctypes
import gc
import os
import subprocess
import sys

import numpy as np
import pytest
from onnx import helper

import neutone
from support.onnx_models import accumulator, fails_on_loud, save, value
from support.onnx_sessions import VARYING, assert_same_bits, play, prepared
from support.places import TESTS

pytestmark = pytest.mark.long


def test_a_session_outlives_its_model(tmp_path):
    path = accumulator(tmp_path / "m.onnx")
    want = play(neutone.load(path, native=False).prepare(48_000, 64), VARYING)
    session = neutone.load(path).prepare(48_000, 64)
    path.unlink()
    gc.collect()
    np.testing.assert_array_equal(np.concatenate(play(session, VARYING)), np.concatenate(want))
    audio_out, before = session.audio_out, session.audio_out.copy()
    del session
    gc.collect()
    np.testing.assert_array_equal(audio_out, before)
    audio_out[...] = 1.0


LIFETIME = """
import gc, sys
sys.path.insert(0, {tests!r})
import neutone
from support.native_calls import native_call
call = native_call(neutone.load({path!r}).prepare(48_000, 64), 64)
gc.collect()
assert [call() for _ in range(100)] == [0] * 100
"""


def test_the_capsule_keeps_alive_what_it_calls(tmp_path):
    """With MALLOC_PERTURB_, glibc overwrites memory when it is freed, so a call into freed memory would fail."""
    code = LIFETIME.format(tests=str(TESTS), path=str(accumulator(tmp_path / "m.onnx")))
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "MALLOC_PERTURB_": "165"}, check=True)


def test_a_closed_session_can_still_be_called(tmp_path):
    python, native = prepared(accumulator(tmp_path / "m.onnx"), 64)
    for session in (python, native):
        play(session, VARYING)
        session.close()
    assert_same_bits([python, native], VARYING)


LEAKS = """
import ctypes, gc, sys
sys.path.insert(0, {tests!r})
import numpy as np, neutone
from support.native_calls import native_call

class Usage(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Usage

def held():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free but not merged counts as held
    usage = mallinfo()
    return usage.uordblks + usage.hblkhd

def growth(work, before=3, times=6):
    for _ in range(before):
        work()
    start = held()
    for _ in range(times):
        work()
    return (held() - start) / times

model = neutone.load({stateful!r})
session = model.prepare(48_000, 600)
def every_size():
    for frames in range(1, 513):
        session.run(frames)
loud = neutone.load({loud!r}).prepare(48_000, 64)
loud.audio_in[...] = 2.0
call = native_call(loud, 64)
def failures():
    for _ in range(5000):
        assert call() != 0
def sessions():
    for _ in range(10):
        model.prepare(48_000, 600).native
def models():
    neutone.load({stateful!r}).prepare(48_000, 600)
def engines():
    neutone.Engine(model, 48_000, 64, 2).process(np.zeros((2, 64), np.float32))
for work in (every_size, failures, sessions, models, engines):
    print(work.__name__, growth(work))
def held_after(sizes):
    session.close()
    for frames in range(1, sizes + 1):
        session.run(frames)
    return held()
print("more_sizes", -held_after(256) + held_after(512))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc's allocator is asked what it holds")
def test_nothing_leaks(tmp_path):
    """Of 512 block sizes, 256 stay bound. A binding that was left behind would take kilobytes."""
    code = LEAKS.format(
        tests=str(TESTS),
        stateful=str(accumulator(tmp_path / "m.onnx")),
        loud=str(fails_on_loud(tmp_path / "loud.onnx")),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    growths = {name: float(number) for name, number in (line.split() for line in done.stdout.splitlines())}
    assert len(growths) == 6
    # The allocator keeps up to a megabyte of what thousands of failures freed. A leaked status takes 200 bytes.
    limits = {"failures": 5000 * 150.0, "more_sizes": 256 * 256.0}
    assert all(growth < limits.get(name, 2048.0) for name, growth in growths.items()), growths


WEIGHTS = """
import gc, threading
import neutone
def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
import onnxruntime
before = resident()
model = neutone.load({path!r}, sample_rate=48_000)
loaded = resident()
sessions = []
threads = [threading.Thread(target=lambda: sessions.append(model.prepare(48_000, 64))) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(sessions) == 3
print((resident() - before) / (loaded - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is asked what the process holds")
def test_the_weights_are_held_once(tmp_path):
    """A model and its sessions hold the weights once, even if three threads prepare sessions at the same time."""
    weights = np.random.default_rng(0).random((2, 8192 * 1024), np.float32) - 0.5  # 64 MiB
    wide, narrow = weights[0].reshape(8192, 1024), weights[1].reshape(1024, 8192)
    nodes = [
        helper.make_node("MatMul", ["wide", "x"], ["hidden"]),
        helper.make_node("MatMul", ["narrow", "hidden"], ["y"]),
    ]
    path = save(
        tmp_path / "big.onnx",
        nodes,
        [value("x", [1024, "N"])],
        [value("y", [1024, "N"])],
        [("wide", wide), ("narrow", narrow)],
    )
    done = subprocess.run(
        [sys.executable, "-c", WEIGHTS.format(path=str(path))], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 1.5
