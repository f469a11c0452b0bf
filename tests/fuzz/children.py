"""Child processes that run one case after another. If one crashes, hangs or takes too much memory, the parent notices,
and starts another."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from support.places import TESTS

__all__ = ["Child", "Death", "Limits", "serve"]

SHOWN_STDERR = 6000
"""How many characters of a dead child's stderr are kept: enough for a traceback or a sanitizer's report."""
START_SECONDS = 120.0
GRACE_SECONDS = 10.0
"""How long a child's own alarm, which shows where the child hangs, may be late before the parent kills the child."""


@dataclass(frozen=True)
class Limits:
    """The limits of a child."""

    memory: int
    """Bytes of address space, on top of those that the child has when it is ready."""
    file_size: int
    """The largest size in bytes of a file that the child writes."""
    case_seconds: float
    """The wall-clock seconds for a case."""


class Death(Exception):
    """The child ended, or had to be ended, while it worked on a case."""

    def __init__(self, reason: str, stderr: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stderr = stderr


class Child:
    """A child process, ``python -m module arguments``, that reads requests with :func:`serve`. It is started on first
    use, and again after it has died."""

    def __init__(self, module: str, arguments: list[str], folder: Path, limits: Limits) -> None:
        self._command = [sys.executable, "-X", "faulthandler", "-m", module, *arguments]
        self._folder = folder
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: BinaryIO | None = None
        self._rest = b""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the reply. Raises :class:`Death` if the child ends without a reply."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
            process.stdin.flush()
        line = self._read_line(self._limits.case_seconds + GRACE_SECONDS)
        return dict(json.loads(line))

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._rest = b""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
            start_new_session=True,
        )
        limits = self._limits
        ready = {"memory": limits.memory, "file_size": limits.file_size, "case_seconds": limits.case_seconds}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(ready).encode() + b"\n")
        self._process.stdin.flush()
        try:
            self._read_line(START_SECONDS)
        except Death as death:
            raise RuntimeError(f"{' '.join(self._command)} did not start: {death.stderr}") from death

    def _read_line(self, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._death(f"time-out: no answer after {seconds:.0f} s")
                data = os.read(self._process.stdout.fileno(), 1 << 16)
                if not data:
                    raise self._death(None)
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _death(self, reason: str | None) -> Death:
        assert self._process is not None
        assert self._stderr is not None
        if reason is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
            code = self._process.poll()
            name = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
            reason = f"the process ended: {name}"
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - SHOWN_STDERR))
        said = self._stderr.read().decode("utf-8", "replace")
        if "Timeout (" in said:  # faulthandler's alarm, which shows where every thread was
            reason = "time-out"
        self.close()
        return Death(reason, said)

    def close(self) -> None:
        """End the child, and all processes that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, self._stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def serve(prepare: Callable[[], None], answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Serve requests in the child: take the limits, prepare (imports need memory of their own), then reply to one
    request after another. What a case prints goes to stderr, so that it cannot be taken for a reply."""
    import faulthandler

    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits = json.loads(requests.readline())
    prepare()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + limits["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file_size"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an error, as on a full disk
    replies.write(b"ready\n")
    replies.flush()
    for line in requests:
        faulthandler.dump_traceback_later(limits["case_seconds"], exit=True)
        reply = answer(json.loads(line))
        faulthandler.cancel_dump_traceback_later()
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()
