"""Write what a benchmark measured to a file. tables.py makes the tables of the docs from those in
benchmarks/results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neutone
from neutone import _core

__all__ = ["add_option", "dumps", "save"]

WIDTH = 118


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to this file, too")


def save(path: Path | None, results: dict[str, Any]) -> None:
    """Write the file, with the machine, the date and the command. Does nothing if `path` is None."""
    if path is None:
        return
    document = {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["benchmarks/" + Path(sys.argv[0]).name, *_arguments()]),
        "neutone": neutone.__version__,
        "kernels": _core.kernels_name(),
        "results": _rounded(results),
    }
    path.write_text(dumps(document), encoding="utf-8")


def dumps(value: Any, indent: int = 0) -> str:
    """Return JSON with a line for each row of a table, so that a diff shows which rows a new measurement changes."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent and (len(flat) + indent <= WIDTH or not isinstance(value, dict | list)):
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {dumps(item, indent + 2)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        lines = [inner + dumps(item, indent + 2) for item in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(lines) + "\n" + " " * indent + closing + ("" if indent else "\n")


def _rounded(value: Any) -> Any:
    """Round to five significant digits; everything beyond them is noise."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _arguments() -> list[str]:
    """Return the command line's arguments without ``--json FILE``."""
    given = sys.argv[1:]
    if "--json" in given:
        place = given.index("--json")
        given = given[:place] + given[place + 2 :]
    return [argument for argument in given if not argument.startswith("--json=")]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
