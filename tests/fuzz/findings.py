"""What was found: each finding once, with the command that shows it again."""

from __future__ import annotations

import re
import threading
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fuzz.children import Death

__all__ = ["Finding", "Findings", "describe_death", "describe_error"]

MOST_DISTINCT = 50
SHOWN = 1500


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong."""

    signature: str
    """A text that is the same for all cases that fail in the same way."""
    text: str


def _innermost(error: BaseException) -> str:
    """Return where an error was raised: the last line of the project's own code, because libraries have too many
    lines."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if re.search(r"neutone|/fuzz/", frame.filename)]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.name}"


def describe_error(error: BaseException, what: str) -> Finding:
    """Return a finding about an exception that should not have been raised."""
    shown = "".join(traceback.format_exception(error))
    return Finding(f"{what}, {type(error).__name__} in {_innermost(error)}", shown[-SHOWN:])


def describe_death(death: Death) -> Finding:
    """Return a finding about the end of a child: by a signal, by its own exit, or because it took too long."""
    report = re.search(r"^.*(?:ERROR: |runtime error: |Fatal Python error: ).*$", death.stderr, re.MULTILINE)
    main = re.findall(r'^  File "([^"]+)", line \d+ in (\S+)$', death.stderr, re.MULTILINE)
    own = [(file, name) for file, name in main if re.search(r"neutone", file) and "/fuzz/" not in file]
    place = f" in {Path(own[0][0]).name}:{own[0][1]}" if own else ""
    said = f", {report.group(0).strip()[:120]}" if report else ""
    return Finding(f"{death.reason}{said}{place}", death.stderr[-SHOWN:])


class Findings:
    """All findings of a run. Each is printed when it is first seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._commands: dict[str, str] = {}

    def add(self, finding: Finding, command: str) -> bool:
        """Add a finding. Returns whether it is new. `command` shows it again."""
        with self._lock:
            self._counts[finding.signature] += 1
            if finding.signature in self._commands:
                return False
            self._commands[finding.signature] = command
            readable = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in finding.text.strip())
            shown = "\n".join(f"    {line}" for line in readable.splitlines())
            print(f"FOUND {finding.signature}\n{shown}\n    to see it again: {command}\n", flush=True)
            return True

    @property
    def is_full(self) -> bool:
        """Whether there are so many findings that more would not help."""
        return len(self._commands) >= MOST_DISTINCT

    def summarise(self) -> int:
        """Print the distinct findings, and return the exit code."""
        for signature, command in self._commands.items():
            print(f"{self._counts[signature]:6} times: {signature}\n              {command}")
        return 1 if self._commands else 0
