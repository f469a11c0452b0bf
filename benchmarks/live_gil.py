"""A live model beside a Python thread that never rests: what a callback in C and a worker thread are for.

    python benchmarks/live_gil.py [--seconds 60] [--period 64] [--json FILE]

Starts ``jackd -d dummy`` and runs the guitar amp as a JACK client: through neutone's JACK host, and through a process
callback in Python (JACK-Client's) that calls an engine; each alone, and with a Python thread that spins beside it.
It counts the blocks that JACK did not hand over because the client was still busy with the block before, JACK's xruns,
and the frames whose output was not ready within their period.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from saved_results import add_option, save
from support.jack_server import MISSING, jack_server
from support.live_runs import run_host, run_python_callback


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--period", type=int, default=64)
    add_option(parser)
    arguments = parser.parse_args()
    if MISSING:
        sys.exit(f"needs {', '.join(MISSING)} (Debian: jackd2)")
    print(f"{arguments.seconds:g} s each, {arguments.period} frames at 48 kHz, jackd without real-time priority")
    print(f"{'':44} blocks missed  xruns  late frames (hurried)  lost  callback us: median  longest")
    rows = []
    expected = round(arguments.seconds * 48_000 / arguments.period)
    for name, run, spins in (
        ("neutone_jack", run_host, False),
        ("neutone_jack, a Python thread spins", run_host, True),
        ("Python callback", run_python_callback, False),
        ("Python callback, a Python thread spins", run_python_callback, True),
    ):
        with jack_server(period=arguments.period) as server:
            row = run(server, arguments.seconds, spins)
        missed = max(0, expected - row["blocks"])
        print(
            f"{name:44} {missed:13.0f} {row['xruns']:6.0f} {row['late']:12.0f} "
            f"({row['hurried']:.0f}) {row['lost']:10.0f} {row['median_us']:20.0f} {row['longest_us']:8.0f}"
        )
        frames = {f"{kind}_frames": row[kind] for kind in ("late", "hurried", "lost")}
        times = {"median_us": row["median_us"], "longest_us": row["longest_us"]}
        rows.append({"name": name, "missed": missed, "xruns": row["xruns"], **frames, **times})
    save(arguments.json, {"seconds": arguments.seconds, "period": arguments.period, "rows": rows})


if __name__ == "__main__":
    main()
