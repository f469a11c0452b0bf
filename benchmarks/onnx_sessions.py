"""The amp through ONNX Runtime two ways, in one run: Python's `run_with_iobinding`, under the GIL, and the native
session's C function, called as an audio thread calls it (by ctypes, which adds a fraction of a microsecond).

    python benchmarks/onnx_sessions.py [--rounds 9]

Both run on tensors that are bound once, with the same options, and answer the same bits. Each round measures both in
turn; the ratio is the median over the rounds of the ratios within each.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import neutone
from malloc_counting import allocations_a_call, counting_environment, why_not
from neutone.plugins import Session
from timing import microseconds

CALLS = 200
RATE = 44_100
BLOCKS = [32, 128, 512, 2048]


class NativeSession(ctypes.Structure):
    """neutone/nt_session.h"""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("run", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)),
        ("reset", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
    )


def native_session(capsule: object) -> NativeSession:
    """What the capsule holds, which is valid as long as the capsule is."""
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return NativeSession.from_address(get_pointer(capsule, b"neutone.session"))


def native_call(session: Session, frames: int) -> Callable[[], object]:
    """The capsule's `run` on its context, without the GIL. What is returned holds the capsule alone."""
    capsule = session.native
    native = native_session(capsule)
    run, context, count = native.run, ctypes.c_void_p(native.context), ctypes.c_uint32(frames)

    def call(_: object = capsule) -> int:
        return run(context, count)

    return call


def calls_of(block: int) -> dict[str, Callable[[], object]]:
    """A block of the amp, through Python and natively, on the same noise."""
    sessions = {
        native: neutone.load(neutone.default_model(), native=native).prepare(RATE, block) for native in (False, True)
    }
    for session in sessions.values():
        rng = np.random.default_rng(0)
        session.audio_in[...] = rng.uniform(-0.5, 0.5, session.audio_in.shape)
        session.params[...] = 0.5
    if sessions[True].native is None:
        raise SystemExit("there is no native session here")
    return {"python": lambda: sessions[False].run(block), "native": native_call(sessions[True], block)}


def print_allocations() -> None:
    """In a process whose allocations are counted."""
    for block in BLOCKS:
        print(*(allocations_a_call(call, 300) for call in calls_of(block).values()))


def counted() -> list[list[float]] | None:
    if why_not() is not None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--allocations"],
            env=counting_environment(Path(folder)),
            capture_output=True,
            text=True,
            check=True,
        )
    return [[float(number) for number in line.split()] for line in done.stdout.splitlines()]


def print_table(rounds: int) -> None:
    allocations = counted()
    print(f"The amp at {RATE} Hz: microseconds a block, and calls of the C allocator")
    print(f"{'block':>6}{'python':>10}{'native':>10}{'faster':>8}  |  allocations: python{'native':>9}")
    for row, block in enumerate(BLOCKS):
        times: dict[str, list[float]] = {}
        calls = calls_of(block)
        for _ in range(rounds):
            for name, call in calls.items():
                times.setdefault(name, []).append(microseconds(call, calls=CALLS))
        ratio = statistics.median(p / n for p, n in zip(times["python"], times["native"], strict=True))
        print(
            f"{block:>6}{statistics.median(times['python']):>10.1f}{statistics.median(times['native']):>10.1f}"
            f"{ratio:>7.2f}x  |  ",
            end="",
        )
        print("not counted" if allocations is None else "{:>19.0f}{:>9.0f}".format(*allocations[row]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--allocations", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.allocations:
        print_allocations()
    else:
        print_table(arguments.rounds)


if __name__ == "__main__":
    main()
