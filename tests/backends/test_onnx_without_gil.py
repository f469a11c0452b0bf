"""ONNX sessions through the C API run without the GIL, and in any thread."""

import ctypes
import platform
import sys
import threading
import time

import numpy as np
import pytest
from onnx import helper

import neutone
from neutone import Engine
from support.compiling import compiled
from support.models import noise
from support.native_calls import native_session
from support.onnx_models import accumulator, save, value
from support.onnx_sessions import VARYING, play, prepared

THREAD = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <time.h>
struct work { int (*function)(void *, uint32_t); void *context; uint32_t frames; int times, failures; };
static void *work(void *argument)
{
    struct work *work = argument;
    for (int i = 0; i < work->times; i++)
        work->failures += work->function(work->context, work->frames) != 0;
    return 0;
}
int run_in_a_thread(struct work *work_to_do, int seconds)
{
    pthread_t thread;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    if (pthread_create(&thread, 0, work, work_to_do) != 0)
        return -1;
    return pthread_timedjoin_np(thread, 0, &until);
}
"""


class Work(ctypes.Structure):
    _fields_ = (
        ("function", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
        ("frames", ctypes.c_uint32),
        ("times", ctypes.c_int),
        ("failures", ctypes.c_int),
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="waits for a thread as glibc does")
def test_a_thread_of_c_runs_it_while_python_holds_the_gil(tmp_path):
    """It would wait for the GIL for ever."""
    reference, session = prepared(accumulator(tmp_path / "m.onnx"), 64)
    for each in (reference, session):
        each.audio_in[...] = noise(2, 64)
    native = native_session(session.native)
    work = Work(ctypes.cast(native.run, ctypes.c_void_p), native.context, frames=64, times=100)
    library = ctypes.PyDLL(str(compiled(THREAD, tmp_path / "thread.so")))  # keeps the GIL
    assert library.run_in_a_thread(ctypes.byref(work), 20) == 0
    assert work.failures == 0
    for _ in range(100):
        reference.run(64)
    np.testing.assert_array_equal(session.audio_out, reference.audio_out)
    assert np.ptp(session.audio_out) > 0


@pytest.mark.long
def test_the_engine_and_a_python_thread_do_not_wait_for_each_other(tmp_path):
    """A call runs 64 model blocks. Through Python each lets go of the GIL, and waits a switch interval to have it back;
    the model costs enough for the other thread to take it."""
    weights = np.zeros((64, 4096), np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["wide"]), helper.make_node("MatMul", ["wide", "v"], ["y"])]
    path = save(
        tmp_path / "m.onnx", nodes, [value("x", [1, 64])], [value("y", [1, 64])], [("w", weights), ("v", weights.T)]
    )
    engine = Engine(neutone.load(path), 48_000, 64 * 64, 1)
    audio, out = noise(1, 64 * 64), np.empty((1, 64 * 64), np.float32)
    engine.process(audio, out)
    spinning, milliseconds = threading.Event(), set()

    def spin():
        while not done.is_set():
            milliseconds.add(int(time.perf_counter() * 1e3))
            spinning.set()

    def spans():
        """How long a block takes beside the other thread, s, and in how many milliseconds of it that ran."""
        start = time.perf_counter()
        engine.process(audio, out)
        end = time.perf_counter()
        return end - start, len([at for at in milliseconds if start < at / 1e3 < end])

    done, before = threading.Event(), sys.getswitchinterval()
    thread = threading.Thread(target=spin)
    thread.start()
    spinning.wait()
    sys.setswitchinterval(0.05)
    try:
        tries = [spans() for _ in range(8)]  # other programs may keep either thread from running for a while
    finally:
        done.set()
        sys.setswitchinterval(before)
        thread.join()
    assert any(seconds < 64 * 0.05 / 4 and ran >= 3 for seconds, ran in tries), tries


def test_two_threads_run_one_model(tmp_path):
    model = neutone.load(accumulator(tmp_path / "m.onnx"))
    alone = play(model.prepare(48_000, 64), VARYING * 50)
    outputs = {}

    def work(name, session):
        outputs[name] = play(session, VARYING * 50)

    threads = [threading.Thread(target=work, args=(i, model.prepare(48_000, 64))) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in range(2):
        np.testing.assert_array_equal(np.concatenate(outputs[name]), np.concatenate(alone))


def test_models_prepare_in_two_threads_at_once():
    model = neutone.load(neutone.default_model())
    sessions = []
    threads = [threading.Thread(target=lambda: sessions.append(model.prepare(44_100, 64))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outputs = [np.concatenate(play(session, [64] * 5)) for session in sessions]
    assert len(outputs) == 4
    assert all(session.native is not None for session in sessions)
    for output in outputs:
        np.testing.assert_array_equal(output, outputs[0])
