"""Judges whether a file was treated as the documentation promises: it works, or an error explains in words why not."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from fuzz.findings import Finding, describe_error
from neutone.errors import NeutoneError

__all__ = ["ENDLESS", "MemoryWatch", "is_endless", "judge_command", "judge_error"]

ENDLESS = 0x3FFFFFFFFFFFFFFB
"""The number of turns of a loop in a graph that may only be inspected: if it were run, nothing could stop it."""

LONGEST_MESSAGE = 2000
LONGEST_OUTPUT = 1_000_000
MOST_MEMORY = 700 << 20
"""The most bytes of memory that opening a file of some kilobytes may take."""
OUT_OF_MEMORY = re.compile(r"can't allocate|cannot allocate|bad.?alloc|out of memory|failed to allocate", re.IGNORECASE)
BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")


def is_endless(path: Path) -> bool:
    """Return whether the file is a graph with a loop that does not end."""
    return path.suffix == ".onnx" and ENDLESS.to_bytes(8, "little") in path.read_bytes()


def _find_controls(text: str, *, newlines: bool) -> str | None:
    """Return the first character that a terminal would act on."""
    for character in text:
        if (unicodedata.category(character) == "Cc" and not (newlines and character == "\n")) or BIDI.match(character):
            return repr(character)
    return None


def judge_error(error: BaseException, what: str) -> Finding | None:
    """Return a finding if this error should not have come out of the library."""
    if not isinstance(error, NeutoneError | FileNotFoundError):
        return describe_error(error, f"{what} raised an unexpected error")
    message = str(error)
    if len(message) > LONGEST_MESSAGE:
        return describe_error(error, f"{what}: a message of more than {LONGEST_MESSAGE} characters")
    control = _find_controls(message, newlines=True)
    if control is not None:
        return describe_error(error, f"{what}: a message with control characters")
    # ONNX Runtime reports it before it takes any memory; an archive must be checked before it is read.
    if ".onnx" not in what and OUT_OF_MEMORY.search(message):
        return describe_error(error, f"{what}: memory ran out")
    return None


def judge_command(arguments: list[str], result: Any) -> Finding | None:
    """Return a finding if the command line should not have printed this. `result` is that of click's runner."""
    command, shown = f"neutone {arguments[0]}", f"{' '.join(arguments)}\n{result.output[:1500]!r}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return describe_error(result.exception, f"{command} let an error through")
    if result.exit_code not in (0, 2):
        return Finding(f"{command}: exit code {result.exit_code}", shown)
    unexpected = re.search(r"unexpected error, (\w+)", result.output)
    if unexpected:
        return Finding(f"{command}: unexpected error, {unexpected.group(1)}", shown)
    if len(result.output) > LONGEST_OUTPUT or (result.exit_code and len(result.output) > 2 * LONGEST_MESSAGE):
        return Finding(f"{command} printed far too much", f"{len(result.output)} characters\n{shown}")
    control = _find_controls(result.output, newlines=True)
    if control is not None:
        return Finding(f"{command} printed a control character", f"{control} in {shown}")
    if "--json" in arguments and result.exit_code == 0:
        json.loads(result.stdout)
    return None


class MemoryWatch:
    """Measures the most memory that the process has held since the last call of :meth:`begin`."""

    def begin(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._status("VmRSS")

    def judge(self, what: str) -> Finding | None:
        """Return a finding if that was far more than the file can need."""
        more = self._status("VmHWM") - self._before
        if more <= MOST_MEMORY:
            return None
        return Finding(f"{what} took more than {MOST_MEMORY >> 20} MiB of memory", f"{more >> 20} MiB")

    def _status(self, name: str) -> int:
        status = Path("/proc/self/status").read_text()
        match = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
        return int(match.group(1)) << 10 if match else 0
