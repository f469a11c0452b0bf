"""Checks as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neutone.cli.terminal import cell, new_table
from neutone.model.check_result import CheckResult

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["check_table"]

VERDICTS = {True: ("ok", "green"), False: ("FAILED", "red"), None: ("unknown", "yellow")}


def check_table(checks: Iterable[CheckResult], *, title: str) -> Table:
    """A line for each check."""
    table = new_table(title=title)
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("details", overflow="fold")
    for check in checks:
        word, style = VERDICTS[check.passed]
        table.add_row(cell(check.name), cell(word, style), cell(check.detail))
    return table
