"""ONNX sessions through the C API run without the GIL, and in any thread."""

import ctypes
import platform
import threading

import numpy as np
import pytest

import neutone
from support.compiling import compiled
from support.models import noise
from support.native_calls import native_session
from support.onnx_models import accumulator
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
    """If the session needed the GIL, this test would wait forever."""
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
