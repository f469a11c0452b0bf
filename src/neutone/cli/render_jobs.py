"""Render many files: one after another, or in several processes, with one progress display."""

from __future__ import annotations

import os
import time as clock
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neutone.cli import interruption
from neutone.cli.errors import explain, traceback_wanted
from neutone.cli.terminal import print_traceback, progress_bar
from neutone.errors import AudioWarning

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from neutone.file_replacement import ProtectedFiles
    from neutone.plugins import Model
    from neutone.rendering.jobs import Job
    from neutone.rendering.options import RenderOptions

Advance = Callable[[float], None]


@dataclass(frozen=True)
class Recipe:
    """What one job needs besides its files. It can be sent to another process.

    Attributes:
        settings: The keywords of :func:`neutone.render_file`.
        subtype: The sample format of the results, or None.
        inputs: The files that must not be overwritten.
        strict: Whether warnings about lost audio are errors.
    """

    settings: RenderOptions
    subtype: str | None
    inputs: ProtectedFiles
    strict: bool

    def try_to_render(self, model: Model, job: Job, progress: Advance) -> str | None:
        """Render a file. Returns the message of the error if there is one: it concerns this file only."""
        try:
            with warnings.catch_warnings():
                if self.strict:
                    warnings.simplefilter("error", AudioWarning)
                self._render(model, job, progress)
        except Exception as error:
            if interruption.received():
                raise
            if traceback_wanted.get():
                print_traceback()
            return _explain_failure(job, error)
        return None

    def _render(self, model: Model, job: Job, progress: Advance) -> None:
        from neutone.rendering import files
        from neutone.rendering.audio_file import require_audio_file

        require_audio_file(job.source)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        self.inputs.refuse_as_target(job.target)  # check again, now that all folders exist
        files.render_file(model, job.source, job.target, subtype=self.subtype, progress=progress, **self.settings)


@dataclass
class Outcome:
    """What came of all jobs: the failures' messages, and the seconds of audio in the jobs that succeeded."""

    failures: list[str]
    rendered_seconds: float
    compute_seconds: float


def run_jobs(jobs: list[Job], render: Callable[[list[Job], JobDisplay], dict[int, str | None]]) -> Outcome:
    """Show a display while `render(jobs, display)` runs. It returns the message of each job's error, or None."""
    lengths = [_seconds_of(job.source) for job in jobs]
    with progress_bar() as progress:
        display = JobDisplay(progress, jobs, lengths)
        start = clock.perf_counter()
        messages = render(jobs, display)
        seconds = clock.perf_counter() - start
    failures = [message for number in sorted(messages) if (message := messages[number]) is not None]
    done = sum(length for number, length in enumerate(lengths) if messages.get(number, "") is None)
    return Outcome(failures, done, seconds)


def in_this_process(model: Model, recipe: Recipe) -> Callable[[list[Job], JobDisplay], dict[int, str | None]]:
    """Return a function for :func:`run_jobs` that renders one file after another."""

    def render(jobs: list[Job], display: JobDisplay) -> dict[int, str | None]:
        messages: dict[int, str | None] = {}
        for number, job in enumerate(jobs):
            with display.bar(number) as advance:
                messages[number] = recipe.try_to_render(model, job, advance)
        return messages

    return render


class JobDisplay:
    """The progress bars: one for each file that is being rendered, and one for all files."""

    def __init__(self, progress: Progress, jobs: list[Job], lengths: list[float]) -> None:
        self._progress, self._jobs, self._lengths = progress, jobs, lengths
        self._total: TaskID = progress.add_task(f"{len(jobs)} files", total=sum(lengths), visible=len(jobs) > 1)

    @contextmanager
    def bar(self, number: int) -> Iterator[Advance]:
        """Show a progress bar for a file, and move the bar for all files along. It disappears when the file is done."""
        task = self._progress.add_task(self._jobs[number].source.name, total=1.0)
        before = 0.0

        def advance(fraction: float) -> None:
            nonlocal before
            self._progress.update(task, completed=fraction)
            self._progress.advance(self._total, (fraction - before) * self._lengths[number])
            before = fraction

        try:
            yield advance
        finally:
            self._progress.remove_task(task)


def _explain_failure(job: Job, error: Exception) -> str:
    """Return an error's message with the name of the file, which not all errors contain."""
    message = explain(error)
    return message if str(job.source) in message or str(job.target) in message else f"{job.source}: {message}"


def _seconds_of(path: Path) -> float:
    """Return the duration of an audio file in seconds, or 0 if it cannot be read; rendering will say why."""
    import soundfile

    if not path.is_file():  # opening a pipe would wait for a writer
        return 0.0
    try:
        return float(soundfile.info(os.fsencode(path)).duration)
    except Exception:  # errors of soundfile and of the system
        return 0.0
