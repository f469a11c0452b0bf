"""A live model next to a Python thread that never rests: in the JACK host, and in a process callback written in
Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import neutone
from neutone_callback import CallbackHost
from neutone_jack import JackHost
from support.jack_server import JackServer


@contextmanager
def pastime(spins: bool) -> Iterator[None]:
    """Run a thread that computes in Python during the ``with`` block, or nothing. The thread gives the GIL away only
    when it has to, every 5 ms."""
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
    """Run the amp in neutone's JACK host, and return what was counted."""
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
    """Run the amp in an engine in a process callback written in Python, and return what was counted. Whether a block
    was late is known from the time from the beginning of JACK's cycle to the end of the block."""
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
