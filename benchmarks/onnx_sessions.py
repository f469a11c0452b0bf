"""The amp through ONNX Runtime two ways, in one run: Python's `run_with_iobinding`, under the GIL, and the native
session's C function, called as an audio thread calls it (by ctypes, which adds a fraction of a microsecond).

    python benchmarks/onnx_sessions.py [--rounds 9] [--json FILE]

Both run on tensors that are bound once, with the same options, and return the same bits. Each round measures both in
turn; the ratio is the median over the rounds of the ratios within each.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import neutone
from saved_results import add_option, save
from support.malloc_counting import allocations_a_call, counting_environment, why_not
from support.native_calls import native_call
from timing import microseconds

CALLS = 200
RATE = 44_100
BLOCKS = [32, 128, 512, 2048]


def calls_of(block: int) -> dict[str, Callable[[], object]]:
    """Return the calls that run a block of the amp on the same noise, through Python and natively."""
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
    """Print the allocations per call. This runs in a process whose allocations are counted."""
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


def print_table(rounds: int) -> list[dict[str, Any]]:
    """Print the table row by row, and return the rows."""
    rows = []
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
        python, native = statistics.median(times["python"]), statistics.median(times["native"])
        print(f"{block:>6}{python:>10.1f}{native:>10.1f}{ratio:>7.2f}x  |  ", end="")
        print("not counted" if allocations is None else "{:>19.0f}{:>9.0f}".format(*allocations[row]))
        counts = allocations[row] if allocations else [None, None]
        times_of_row = {"block": block, "python_us": python, "native_us": native, "faster": ratio}
        rows.append(times_of_row | {"python_allocations": counts[0], "native_allocations": counts[1]})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--allocations", action="store_true", help=argparse.SUPPRESS)
    add_option(parser)
    arguments = parser.parse_args()
    if arguments.allocations:
        print_allocations()
    else:
        save(arguments.json, {"rate": RATE, "rows": print_table(arguments.rounds)})


if __name__ == "__main__":
    main()
