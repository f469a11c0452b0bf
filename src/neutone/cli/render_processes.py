"""Render files in several processes. Each loads the model once and asks for one file after another."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import time as clock
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from neutone.cli.errors import explain, one_line_warnings, traceback_wanted
from neutone.cli.render_jobs import JobDisplay, Recipe
from neutone.cli.terminal import remark

if TYPE_CHECKING:
    from neutone.plugins import Model
    from neutone.rendering.jobs import Job

REPORT_SECONDS = 0.1
"""How often a process says how far it is."""
END_SECONDS = 3.0
"""How long a process has to remove its temporary file after it was told to end."""

OpenModel = Callable[[], "Model"]


def in_processes(
    count: int, open_model: OpenModel, recipe: Recipe
) -> Callable[[list[Job], JobDisplay], dict[int, str | None]]:
    """Return a function for :func:`~neutone.cli.render_jobs.run_jobs` that renders `count` files at a time.
    `open_model` must be picklable."""

    def render(jobs: list[Job], display: JobDisplay) -> dict[int, str | None]:
        with ExitStack() as stack:
            workers = [_Worker(open_model, recipe) for _ in range(min(count, len(jobs)))]
            for worker in workers:
                stack.callback(worker.end)
            return _share(jobs, workers, display)

    return render


class _Worker:
    """A process that renders, as this process sees it."""

    def __init__(self, open_model: OpenModel, recipe: Recipe) -> None:
        # A forked process would inherit locks that threads of this one hold.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_work, args=(theirs, open_model, recipe, traceback_wanted.get()), daemon=True
        )
        with _without_interrupts():
            self.process.start()
        theirs.close()  # so that the end of the process is the end of the connection
        self.number: int | None = None
        self.bar = ExitStack()
        self.advance: Callable[[float], None]

    def begin(self, number: int, job: Job, display: JobDisplay) -> None:
        self.number = number
        self.advance = self.bar.enter_context(display.bar(number))
        self.connection.send((number, job))

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join(END_SECONDS)
        if self.process.is_alive():
            self.process.kill()


def _share(jobs: list[Job], workers: list[_Worker], display: JobDisplay) -> dict[int, str | None]:
    messages: dict[int, str | None] = {}
    waiting = iter(enumerate(jobs))
    working = {worker.connection: worker for worker in workers}

    def give(worker: _Worker) -> None:
        worker.bar.close()
        if (next_job := next(waiting, None)) is None:
            del working[worker.connection]
        else:
            with contextlib.suppress(OSError):  # it has ended; the next `wait` says so
                worker.begin(*next_job, display)

    for worker in workers:
        give(worker)
    while working:
        for connection in wait(list(working)):
            worker = working[connection]  # type: ignore[index]
            try:
                kind, value = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                assert worker.number is not None
                job = jobs[worker.number]
                messages[worker.number] = f"{job.source}: its process ended with code {worker.process.exitcode}"
                worker.bar.close()
                del working[worker.connection]
                continue
            if kind == "progress":
                worker.advance(value)
            elif kind == "warning":
                remark(value)
            else:
                assert worker.number is not None
                messages[worker.number] = value
                give(worker)
    for number, job in waiting:  # nobody is left
        messages[number] = f"{job.source}: no process is left to render it"
    return messages


def _work(connection: Connection, open_model: OpenModel, recipe: Recipe, tracebacks: bool) -> None:
    """The process: receive (number, job) and send ("progress", fraction), ("warning", line), ("done", message)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    traceback_wanted.set(tracebacks)
    with contextlib.suppress(EOFError, OSError), one_line_warnings(lambda line: connection.send(("warning", line))):
        try:
            model: Any = open_model()
        except Exception as error:
            failure = explain(error)
            while True:
                connection.recv()
                connection.send(("done", failure))
        while True:
            _, job = connection.recv()
            with _unwinding():
                message = recipe.try_to_render(model, job, _Reports(connection))
            connection.send(("done", message))


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold back SIGINT. A process that starts meanwhile inherits this, until it is ready to ignore the signal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _unwinding() -> Iterator[None]:
    """Let SIGTERM unwind the ``with`` block, so that its temporary file is removed. Elsewhere, such as in an import or
    at the interpreter's end, an exception would be reported; there the signal ends the process at once."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Reports:
    """Sends progress, but not more often than it can be seen."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._last = connection, 0.0

    def __call__(self, fraction: float) -> None:
        now = clock.monotonic()
        if now - self._last >= REPORT_SECONDS:
            self._last = now
            self._connection.send(("progress", fraction))
