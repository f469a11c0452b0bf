"""Engines in the background: what hosts use, from the C callback to the end of the process."""

import ctypes
import gc
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neutone import errors
from support.background import BLOCK, background
from support.models import FunctionModel, knob, noise, run
from support.places import TESTS


def test_workers_stay_below_every_audio_thread():
    with background() as one, background() as other:
        if "refused" in one.stats.scheduling:
            pytest.skip(one.stats.scheduling)
        assert one.audio_priority is None
        assert "SCHED_FIFO, priority 4" in one.stats.scheduling
        one.audio_priority = 70
        assert "SCHED_FIFO, priority 4" in other.stats.scheduling
        other.audio_priority = 3
        assert "SCHED_FIFO, priority 2" in one.stats.scheduling
        assert priorities_of_threads() == {2}
        other.audio_priority = 0
        assert "SCHED_FIFO, priority 4" in one.stats.scheduling
        assert priorities_of_threads() == {4}
        for wrong in (-1, 100, 1.0, True, "high"):
            with pytest.raises(errors.ConfigurationError, match="audio_priority"):
                one.audio_priority = wrong
        audio = noise(1, BLOCK * 3)
        np.testing.assert_array_equal(run(one, audio)[:, BLOCK:], audio[:, :-BLOCK])
    with background() as engine:
        assert "SCHED_FIFO, priority 4" in engine.stats.scheduling


def priorities_of_threads():
    """Return the real-time priorities of this process's threads: field 40 of proc_pid_stat(5)."""
    priorities = set()
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        priorities.add(int(fields[37]))
    return priorities - {0}


class Callback(ctypes.Structure):
    _fields_ = [
        ("context", ctypes.c_void_p),
        (
            "process",
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32),
        ),
        ("set_parameter", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_float)),
        ("set_blocking", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_bool)),
    ]


def callback_of(engine):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return Callback.from_address(get(engine.callback, b"neutone.callback"))


def test_the_callback_of_hosts_in_c():
    model = FunctionModel(lambda audio, params, out: np.multiply(audio, params, out=out), parameters=[knob()])
    with background(model, channels=2, blocking=False) as engine:
        callback = callback_of(engine)
        callback.set_blocking(callback.context, True)
        assert engine.blocking
        callback.set_parameter(callback.context, 0, 0.5)
        audio, out = noise(2, BLOCK), np.empty((2, BLOCK), np.float32)
        ins = (ctypes.c_void_p * 2)(audio[0].ctypes.data, audio[1].ctypes.data)
        outs = (ctypes.c_void_p * 2)(out[0].ctypes.data, out[1].ctypes.data)
        for _ in range(3):
            callback.process(callback.context, ins, outs, 2, BLOCK)
        np.testing.assert_array_equal(out, 0.5 * audio)
        callback.set_parameter(callback.context, 0, 0.125)
        assert engine.parameters["amount"] == 0.125
        engine.parameters["amount"] = 0.3
        assert engine.parameters["amount"] == 0.3
        callback.set_parameter(callback.context, 0, 0.625)
        engine.reset()
        assert engine.parameters["amount"] == 0.625
        callback.process(callback.context, ins, outs, 2, BLOCK // 2)
        assert engine.live_stats.refused_blocks == 1
        engine.close()
        callback.process(callback.context, ins, outs, 2, BLOCK)
        assert not out.any()


def test_the_capsule_keeps_what_the_callback_needs():
    capsule = background(FunctionModel(channels=(1, 1))).callback
    gc.collect()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    callback = Callback.from_address(get(capsule, b"neutone.callback"))
    audio, out = noise(1, BLOCK), np.empty((1, BLOCK), np.float32)
    ins, outs = (ctypes.c_void_p * 1)(audio.ctypes.data), (ctypes.c_void_p * 1)(out.ctypes.data)
    for _ in range(2):
        callback.process(callback.context, ins, outs, 1, BLOCK)
    np.testing.assert_array_equal(out, audio)


def test_live_stats_and_peaks():
    with background(channels=2, model=FunctionModel()) as engine:
        audio = noise(2, BLOCK * 10)
        audio[0, 5], audio[1, 7] = 0.75, -1.0
        run(engine, audio)
        stats = engine.live_stats
        assert (stats.blocks, stats.frames, stats.late_frames, stats.refused_blocks) == (10, 640, 0, 0)
        assert stats.model_times.count == 10
        assert stats.callback_times.count == 10
        assert 0.0 < stats.model_times.percentile(50) <= stats.model_times.longest
        assert stats.load > 0.0
        assert engine.take_peaks() == ([0.75, 1.0], [0.75, 1.0])
        assert engine.take_peaks() == ([0.0, 0.0], [0.0, 0.0])
        run(engine, audio)
        assert engine.live_stats.model_times.since(stats.model_times).count == 10
        assert "SCHED_FIFO" in engine.stats.scheduling


def python(code, *before):
    """Run code in another Python process. `before` is a command to start it with."""
    return subprocess.run([*before, sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


PREAMBLE = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from support.models import FunctionModel
from neutone import Engine
def slow(audio, params, out):
    out[...] = sum(range(20000)) * audio
engine = Engine(FunctionModel(slow, channels=(1, 1)), 48_000, 64, 1, background=True)
for _ in range(20):
    engine.process(np.zeros((1, 64), np.float32))
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "del engine",
        "engine.close()",
        "raise SystemExit(0)",
        "import os, multiprocessing as m\n"
        "p = m.get_context('fork').Process(target=lambda: print('child'))\np.start(); p.join(); assert p.exitcode == 0",
        "import os, multiprocessing as m\n"
        "p = m.get_context('fork').Process(target=engine.close)\np.start(); p.join(20); assert p.exitcode == 0",
    ],
)
def test_the_process_ends_cleanly(end):
    """The process ends cleanly whatever the worker is doing at the time."""
    done = python(PREAMBLE.format(tests=str(TESTS)) + end)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (util-linux)")
def test_where_real_time_is_refused_the_stats_say_so():
    """Most users have no right to use SCHED_FIFO."""
    no_limit = "import resource\nresource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\n"
    show = "print(engine.stats.scheduling)"
    done = python(no_limit + PREAMBLE.format(tests=str(TESTS)) + show, "setpriv", "--bounding-set=-sys_nice")
    assert "normal: real-time scheduling was refused" in done.stdout, done.stderr
    assert "docs/live.md" in done.stdout
