"""A minute of live audio on a real server, while a Python thread keeps the interpreter busy."""

import sys

import pytest

from support.jack_server import jack_server, needs_jack
from support.live_runs import run_host, run_python_callback

pytestmark = [pytest.mark.server, needs_jack]

SECONDS = 60.0
ATTEMPTS = 3
"""The server has no real-time priority and the machine is shared. If another process takes the worker's processor for
the length of a block, that is not the worker's fault, but the test cannot tell."""


def test_a_minute_beside_a_thread_that_spins(capsys):
    for attempt in range(ATTEMPTS):
        with jack_server(period=64) as server:
            ours = run_host(server, SECONDS if attempt == 0 else SECONDS / 2, spins=True)
        with jack_server(period=64) as server:
            python = run_python_callback(server, 5.0, spins=True)
        with capsys.disabled():
            sys.stdout.write(f"\n  neutone_jack:       {_in_words(ours)}\n  a Python callback:  {_in_words(python)}\n")
        assert ours["lost"] == 0
        assert ours["blocks"] > 10_000
        if ours["late"] == ours["hurried"]:
            return
    pytest.fail(f"{ours['late'] - ours['hurried']} frames were late although the model had its time, {ATTEMPTS} times")


def _in_words(row):
    frames = 64 * row["blocks"]
    return (
        f"{row['blocks']} blocks, {row['xruns']} xruns, {row['late']} of {frames} frames late ({row['hurried']} while "
        f"the server was catching up), {row['lost']} lost"
    )
