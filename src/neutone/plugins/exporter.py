"""What an exporter must do. The docstrings are the contract; :class:`neutone.testing.ExporterContract` checks it."""

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
    """How late an exported file is in a host that runs it by itself, and how fast."""

    sample_rate: int
    """The host's rate in Hz."""
    block_size: int
    """The host's block in frames."""
    buffering_delay: int
    """Host frames that the file's queues and resamplers add."""
    model_delay: int
    """Host frames that the model itself adds."""
    median_us: float | None
    """Microseconds that half of the blocks took at most; None if the speed was not measured."""
    rtf: float | None
    """Compute time / audio time; None if the speed was not measured."""

    @property
    def delay(self) -> int:
        """Host frames in all."""
        return self.buffering_delay + self.model_delay


@dataclass(frozen=True)
class ExportReport:
    """What an exporter wrote, and how it did in the checks. ``str(report)`` is a table of it."""

    path: Path
    """The model file."""
    metadata: dict[str, Any]
    """The metadata in the file, as its format keeps it."""
    checks: tuple[CheckResult, ...]
    """What was checked before the file appeared."""
    hosts: tuple[HostTiming, ...] = ()
    """Delay and speed in several hosts, for files that hosts run by themselves."""
    summary: str = ""
    """What is special about the file, in a few words: ``"any block size, 2 states"``."""

    @property
    def failures(self) -> list[CheckResult]:
        """The checks that did not pass."""
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
    """Writes wrapped models in one file format: entry-point group ``neutone.exporters``.

    ``neutone export WRAPPER OUT --format NAME`` calls :meth:`export` with the path ``OUT/model`` + :attr:`suffix`.
    Heavy imports belong into :meth:`export`.
    """

    suffix: ClassVar[str]
    """The lower-case suffix of the files, with the dot."""
    options: ClassVar[tuple[str, ...]] = ()
    """The keywords that :meth:`export` takes. The command line passes ``samples``, ``strict``, ``freeze`` and
    ``benchmark`` (its flags of these names) to exporters that list them, and others from ``--option NAME=VALUE``."""

    @abstractmethod
    def export(self, model: WaveformToWaveformBase, path: Path, **options: Any) -> ExportReport:
        """Write the model to `path`, check the file, and report.

        The file appears when it is complete and has passed the checks that it must pass; before that, nothing at
        `path` changes. The model is left as it was. Nothing is printed.

        Raises:
            neutone.errors.ModelFileError: the model cannot be written in this format, or a check that must pass does
                not; nothing was written.
            neutone.errors.MissingExtraError: a package in :attr:`requires` is not installed.
            neutone.errors.ConfigurationError: an option or suffix that cannot be.
        """

    def written_files(self, path: Path) -> list[Path]:
        """All files that :meth:`export` may write for this path, so that none of them replaces an input."""
        return [path]
