"""What the drivers in Python share: options, children that work side by side, and the report at the end."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.children import Child, Death, Limits
from fuzz.findings import Finding, Findings, describe_death

__all__ = ["Request", "parse_options", "run_cases", "seed_of"]

Request = dict[str, Any]
CASES_OF_SEED = 10_000_000


def parse_options(description: str) -> argparse.Namespace:
    """Parse --seconds, --seed, --jobs, and --case, which repeats one case."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to look for failures")
    parser.add_argument("--seed", type=int, help="which cases; by default other ones each time")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="children side by side")
    parser.add_argument("--case", help="run this case alone")
    return parser.parse_args()


def seed_of(options: argparse.Namespace) -> int:
    """Return the seed, and print it before anything else."""
    seed: int = random.SystemRandom().randrange(1, 100_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    return seed


def run_cases(
    options: argparse.Namespace,
    module: str,
    limits: Limits,
    cases: Callable[[int], Request],
    command: Callable[[Request, Finding], str],
    arguments: list[str] | None = None,
    most: int | None = None,
) -> int:
    """Send cases to children until the time is over. Returns the exit code.

    Args:
        module: The module of the children, which calls :func:`fuzz.children.serve`.
        cases: A function that returns the request for case number i.
        command: A function that returns the command to repeat a request that led to a finding.
        arguments: The command-line arguments of the children.
        most: The most cases to send; None for no limit.
    """
    findings = Findings()
    begun = time.monotonic()
    deadline = begun + options.seconds
    lock = threading.Lock()
    stopped = threading.Event()
    done = 0

    def work(folder: Path) -> None:
        nonlocal done
        child = Child(module, arguments or [], folder, limits)
        try:
            while (most or time.monotonic() < deadline) and not (findings.is_full or stopped.is_set()):
                with lock:
                    if done == most:
                        break
                    number, done = done, done + 1
                request = cases(number)
                finding = _ask(child, request)
                if finding is not None:
                    findings.add(finding, command(request, finding))
        finally:
            child.close()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what follows cleans up
    scratch = Path(tempfile.mkdtemp(prefix="neutone-fuzz-"))
    threads = [threading.Thread(target=work, args=(scratch / str(i),)) for i in range(options.jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        shutil.rmtree(scratch, ignore_errors=True)
    seconds = time.monotonic() - begun
    print(f"{done} cases in {seconds:.0f} s ({done / seconds:.1f} a second)", flush=True)
    return findings.summarise()


def _ask(child: Child, request: Request) -> Finding | None:
    try:
        reply = child.ask(request)
    except Death as death:
        return describe_death(death)
    return Finding(reply["signature"], reply["text"]) if reply else None
