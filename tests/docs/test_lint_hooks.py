"""The pre-commit hooks run exactly what `make lint` runs."""

import re

from support.places import ROOT


def test_hooks_are_make_lint() -> None:
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.M)
    lint = (ROOT / "Makefile").read_text().partition("\nlint: environment\n")[2].partition("\n\n")[0]
    assert hooks == [line.strip().replace("$(BIN)", ".venv/bin") for line in lint.splitlines()]
