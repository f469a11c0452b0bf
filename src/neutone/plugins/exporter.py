"""The interface of an exporter. The docstrings are the contract; :class:`neutone.testing.ExporterContract` tests it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from neutone.model.check_result import CheckResult
from neutone.plugins.plugin import Plugin

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase


@dataclass(frozen=True, slots=True)
class HostTiming:
    """The delay and the speed of an exported file in a host that runs it without neutone.

    Attributes:
        sample_rate: The host's sample rate in Hz.
        block_size: The host's block size in frames.
        buffering_delay: The delay in host frames from the file's queues and resamplers.
        model_delay: The delay in host frames from the model itself.
        median_us: The median time of a block in microseconds; None if the speed was not measured.
        rtf: Compute time divided by audio time; None if the speed was not measured.
    """

    sample_rate: int
    block_size: int
    buffering_delay: int
    model_delay: int
    median_us: float | None
    rtf: float | None

    @property
    def delay(self) -> int:
        """The total delay in host frames."""
        return self.buffering_delay + self.model_delay


@dataclass(frozen=True)
class ExportReport:
    """What an exporter wrote, and the results of its checks. ``str(report)`` is a table of both.

    Attributes:
        path: The path of the model file.
        metadata: The metadata in the file, as its format keeps it.
        checks: The checks that ran before the file was put in place.
        hosts: The delay and speed in several hosts, if the format is one that hosts run without neutone.
        summary: The notable properties of the file in a few words, such as ``"any block size, 2 states"``.
    """

    path: Path
    metadata: dict[str, Any]
    checks: tuple[CheckResult, ...]
    hosts: tuple[HostTiming, ...] = ()
    summary: str = ""

    @property
    def failures(self) -> list[CheckResult]:
        """The checks that failed."""
        return [check for check in self.checks if check.failed]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.path}{self.summary and f': {self.summary}'}"
        verdicts = {True: "ok", False: "FAILED", None: "unknown"}
        for check in self.checks:
            yield f"  {verdicts[check.passed]:7}  {check.name}: {check.detail}"
        if self.hosts:
            yield "  host Hz/frames   latency, frames       ms   median us      RTF"
        for host in self.hosts:
            milliseconds = 1000 * host.delay / host.sample_rate
            speed = "" if host.rtf is None else f"{host.median_us:12.0f} {host.rtf:8.4f}"
            yield f"  {f'{host.sample_rate}/{host.block_size}':14} {host.delay:16} {milliseconds:9.1f}{speed}".rstrip()


class Exporter(Plugin):
    """An exporter writes wrapped models in one file format. Its entry-point group is ``neutone.exporters``.

    ``neutone export WRAPPER OUT --format NAME`` calls :meth:`export` with the path ``OUT/model`` + :attr:`suffix`.
    Import heavy packages inside :meth:`export`.

    Attributes:
        name, requires, extra: As in :class:`Plugin`.
        suffix: The lower-case suffix of the files, with the dot.
        options: The keywords that :meth:`export` accepts. The command line passes its flags ``samples``, ``strict``,
            ``freeze``, ``force`` and ``benchmark`` to exporters that list them, and passes other keywords from
            ``--option NAME=VALUE``.
    """

    suffix: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def export(self, model: WaveformToWaveformBase, path: Path, **options: Any) -> ExportReport:
        """Write the model to `path`, check the file, and return a report.

        The file is put in place only once it is complete and has passed all mandatory checks; until then, nothing at
        `path` changes. The model is not modified. Nothing is printed.

        Raises:
            neutone.errors.ModelFileError: The model cannot be written in this format, or a mandatory check failed.
                Nothing was written.
            neutone.errors.MissingExtraError: A package in :attr:`requires` is not installed.
            neutone.errors.ConfigurationError: An option or the suffix is not valid.
        """

    def written_files(self, path: Path) -> list[Path]:
        """Return all files that :meth:`export` may write for this path, so that the caller can protect its input
        files."""
        return [path]
