"""A live model beside a Python thread that never rests: what a callback in C and a worker thread are for.

    python benchmarks/live_gil.py [--seconds 60] [--period 64]

Starts ``jackd -d dummy`` and runs the guitar amp as a JACK client: through neutone's JACK host, and through a process
callback in Python (JACK-Client's) that calls an engine; each alone, and with a Python thread that spins beside it.
Counted are blocks that JACK did not hand over, for the client was not back from the one before, JACK's xruns, and
frames that were not answered within their period.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import neutone
from jack_server import MISSING, JackServer, jack_server
from neutone_callback import CallbackHost
from neutone_jack import JackHost


@contextmanager
def pastime(spins: bool) -> Iterator[None]:
    """Nothing, or a thread that computes in Python, and gives the GIL away only when it is made to, every 5 ms."""
    ends = threading.Event()

    def spin() -> None:
        number = 0
        while not ends.is_set():
            number = (number * 1103515245 + 12345) % 2147483648

    thread = threading.Thread(target=spin)
    if not spins:
        yield
        return
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def run_host(server: JackServer, seconds: float, spins: bool) -> dict[str, float]:
    """neutone's JACK host."""
    model = neutone.load(neutone.default_model())
    host = JackHost.open(model, server=server.name)
    with host:
        with pastime(spins):
            time.sleep(seconds)
        stats, live = host.stats, host.engine.live_stats
    host.close()
    return {
        "blocks": stats.blocks,
        "xruns": stats.xruns,
        "late": stats.late_frames,
        "hurried": live.hurried_frames,
        "lost": live.lost_frames,
        "median_us": 1e6 * live.callback_times.percentile(50),
        "longest_us": 1e6 * live.callback_times.longest,
    }


def run_python_callback(server: JackServer, seconds: float, spins: bool) -> dict[str, float]:
    """An engine in a process callback written in Python. What did not come in time is known from the time that each
    block took, from the beginning of JACK's cycle to its end."""
    import jack

    client = jack.Client("python", no_start_server=True, servername=server.name)
    source, target = client.inports.register("in_1"), client.outports.register("out_1")
    period, rate = client.blocksize, client.samplerate
    host = CallbackHost(neutone.Engine(neutone.load(neutone.default_model()), rate, period, 1))
    block, answer = np.zeros((period, 1), np.float32), np.zeros((period, 1), np.float32)
    took: list[int] = []
    xruns = 0

    def count_xrun(delay: float) -> None:
        nonlocal xruns
        xruns += 1

    def process(frames: int) -> None:
        block[:, 0] = source.get_array()
        host(block, answer, frames, None, None)
        target.get_array()[:] = answer[:, 0]
        took.append(client.frames_since_cycle_start)

    client.set_process_callback(process)
    client.set_xrun_callback(count_xrun)
    with host, client, pastime(spins):
        time.sleep(seconds)
    client.close()
    since_start = np.array(took)
    return {
        "blocks": len(took),
        "xruns": xruns,
        "late": period * int(np.count_nonzero(since_start > period)),
        "hurried": 0,
        "lost": 0,
        "median_us": 1e6 * float(np.median(since_start)) / rate,
        "longest_us": 1e6 * float(since_start.max()) / rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--period", type=int, default=64)
    arguments = parser.parse_args()
    if MISSING:
        sys.exit(f"needs {', '.join(MISSING)} (Debian: jackd2)")
    print(f"{arguments.seconds:g} s each, {arguments.period} frames at 48 kHz, jackd without real-time priority")
    print(f"{'':44} blocks missed  xruns  late frames (hurried)  lost  callback us: median  longest")
    expected = round(arguments.seconds * 48_000 / arguments.period)
    for name, run, spins in (
        ("neutone_jack", run_host, False),
        ("neutone_jack, a Python thread spins", run_host, True),
        ("Python callback", run_python_callback, False),
        ("Python callback, a Python thread spins", run_python_callback, True),
    ):
        with jack_server(period=arguments.period) as server:
            row = run(server, arguments.seconds, spins)
        print(
            f"{name:44} {max(0, expected - row['blocks']):13.0f} {row['xruns']:6.0f} {row['late']:12.0f} "
            f"({row['hurried']:.0f}) {row['lost']:10.0f} {row['median_us']:20.0f} {row['longest_us']:8.0f}"
        )


if __name__ == "__main__":
    main()
