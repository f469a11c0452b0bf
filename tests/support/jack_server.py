"""JACK servers for tests: each with a name of its own and no sound card, and certainly ended afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.waiting import wait_until

READY_SECONDS = 20.0
NAMES = [f"neutone-test-{number}" for number in range(6)]
"""JACK remembers at most eight names, and keeps that of a killed server until one of the same name starts. So these
names are used again and again, each by one server at a time."""
MISSING = [
    program for program in ("jackd", "jack_lsp", "jack_bufsize", "jack_freewheel") if shutil.which(program) is None
]
needs_jack = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} not installed (Debian: jackd2): nothing was tested against JACK"
)


class JackServer:
    """A running ``jackd -d dummy``. If it is patient (``-S``), it waits for its clients, for tests that must not lose a
    cycle on a busy machine. Nothing else is different then."""

    def __init__(
        self, sample_rate: int = 48_000, period: int = 64, *, patient: bool = False, name: str | None = None
    ) -> None:
        self.sample_rate, self.period = sample_rate, period
        options = ["-S"] if patient else []
        dummy = ["-d", "dummy", "-r", str(sample_rate), "-p", str(period)]
        for self.name in [name] if name else NAMES:
            self.process = subprocess.Popen(
                ["jackd", "--no-realtime", "-n", self.name, *options, *dummy],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if self._is_ready():
                return
            self.kill()
        raise RuntimeError(f"jackd did not start under the name {self.name} (or another test's {NAMES[0]}..)")

    def _is_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.run("jack_lsp", check=False).returncode == 0:
                # jack_lsp would also find another server of this name; then ours has ended by now.
                return self._stays()
            time.sleep(0.02)
        return False

    def _stays(self) -> bool:
        time.sleep(0.05)
        return self.process.poll() is None

    @property
    def environment(self) -> dict[str, str]:
        """The environment for programs that should find this server."""
        return {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of JACK's programs to its end."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=30, check=check, errors="replace"
        )

    def ports(self) -> list[str]:
        """Return the ports of all clients."""
        return self.run("jack_lsp").stdout.split()

    def connect(self, source: str, target: str) -> None:
        """Connect an output port to an input port."""
        self.run("jack_connect", source, target)

    def disconnect(self, source: str, target: str) -> None:
        """Undo :meth:`connect`."""
        self.run("jack_disconnect", source, target)

    def change_period(self, frames: int) -> None:
        """Change the period while the server runs."""
        self.run("jack_bufsize", str(frames))
        self.period = frames

    def terminate(self) -> None:
        """End the server as Ctrl-C does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server without telling its clients."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(1)  # if a client was killed, it would wait for ten seconds
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def jack_server(
    sample_rate: int = 48_000, period: int = 64, *, patient: bool = False, name: str | None = None
) -> Iterator[JackServer]:
    """Give a server for the length of the ``with`` block, with a name of its own unless one is given."""
    server = JackServer(sample_rate, period, patient=patient, name=name)
    try:
        yield server
    finally:
        server.terminate()


def freeze(process_id: int) -> None:
    """Stop a process until it gets SIGCONT, and wait until all of its threads stand still: on a busy machine, some
    continue for a while after SIGSTOP."""
    os.kill(process_id, signal.SIGSTOP)

    def stands_still() -> bool:
        threads = Path(f"/proc/{process_id}/task").glob("*/stat")
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)

    wait_until(stands_still, what="the process stands still")
