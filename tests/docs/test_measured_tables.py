"""The tables of measurements in the documentation equal those that benchmarks/tables.py makes from
benchmarks/results."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from support.places import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TABLE = re.compile(r"^<!-- benchmarks/tables\.py: (\S+) -->\n((?:\|.*\n)*)", re.M)


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    script = ROOT / "benchmarks" / "tables.py"
    run = subprocess.run([sys.executable, str(script)], capture_output=True, check=True)
    return dict(TABLE.findall(run.stdout.decode()))


def test_each_stands_once_in_the_documentation_as_it_is_made(printed: dict[str, str]) -> None:
    found = [table for document in DOCUMENTS for table in TABLE.findall(document.read_text(encoding="utf-8"))]
    assert Counter(name for name, _ in found) == dict.fromkeys(printed, 1)
    assert dict(found) == printed, "run benchmarks/tables.py --write"


def test_results_say_when_where_and_how_they_were_measured() -> None:
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert all(document[field] for field in ("machine", "date", "command", "neutone", "results")), path
        script = ROOT / document["command"].split()[0]
        assert script.exists(), f"{path} was measured by {script}"
