"""`process` with `out=` allocates nothing: every call of the C allocator in the process is counted."""

import subprocess
import sys

import pytest

from support.malloc_counting import counting_environment, why_not
from support.places import TESTS

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

PREAMBLE = """
import sys
sys.path.insert(0, {tests!r})
import gc
import numpy as np
from support.malloc_counting import allocations_a_call
from support.models import FunctionModel, knob, pass_through
from neutone import Engine
gc.disable()

class Nothing:
    def append(self, frames):
        pass
"""

CASES = """
audio = np.zeros((2, {block}), np.float32)
out = np.empty_like(audio)
curves = np.zeros((1, {block}), np.float32)
for kind in ("linear", "hermite", "sinc"):
    for rates, blocks in (([], []), ([44_100], [2048]), ([96_000], [100]), ([44_101], [64])):
        model = FunctionModel(lambda audio, params, out: None, rates=rates, blocks=blocks, parameters=[knob()])
        engine = Engine(model, 48_000, {block}, 2, resampler=kind)
        engine.dry = 0.5
        session = model.sessions[-1]
        session.runs = Nothing()
        for params in (None, curves):
            print(allocations_a_call(lambda: engine.process(audio, out, params)))
"""


def count(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE.format(tests=str(TESTS)) + code],
        env=counting_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(line) for line in done.stdout.split()]


def test_the_counter_counts(tmp_path):
    code = "print(allocations_a_call(lambda: np.empty(1_000_000)))\nprint(allocations_a_call(lambda: None))"
    one, none = count(code, tmp_path)
    assert one >= 1
    assert none == 0


@pytest.mark.long
@pytest.mark.parametrize("block", [64, 512])
def test_process_allocates_nothing(block, tmp_path):
    """Python sessions are included: their numpy views are small objects, whose memory Python reuses."""
    counts = count(CASES.format(block=block), tmp_path)
    assert counts == [0.0] * 24
