"""The imports follow the table in docs/architecture.md, which says which folder may import what."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"\| `((?:src/neutone|backends|hosts)/[\w/]*)(?:\*\.py)?` \|.*\| (.*) \|")
TABLE = dict(ROW.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8")))
BASE = {f"neutone.{path.stem}" for path in (ROOT / "src/neutone").glob("*.py")}
SOURCES = sorted(path for top in ("src/neutone", "backends", "hosts") for path in (ROOT / top).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Return the modules that code imports when it runs, without those that only type checkers need."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        yield from imports(node)


def row_of(path: Path) -> str:
    """Return the row for a file: that of its folder, or of the nearest folder around it."""
    folders = [f"{folder.relative_to(ROOT).as_posix()}/" for folder in path.parents if folder.is_relative_to(ROOT)]
    return next(folder for folder in folders if folder in TABLE)


def allowed(row: str, module: str) -> bool:
    own = row.removeprefix("src/").removeprefix("backends/").removeprefix("hosts/").strip("/").replace("/", ".")
    if module.split(".")[0] in sys.stdlib_module_names or (own != "neutone" and module.startswith(f"{own}.")):
        return True
    for name in re.findall(r"`([\w.*]+)`", TABLE[row]):
        if name == "neutone.*" and ".".join(module.split(".")[:2]) in BASE:
            return True
        if name == "neutone.sdk.*" and module.startswith("neutone.sdk."):
            return True
        # A row with `neutone` alone allows names of the package, but none of its modules.
        if name == "neutone" and (row == "src/neutone/cli/" or re.fullmatch(r"neutone(\.[A-Z]\w*)?", module)):
            return True
        if name != "neutone" and (module == name or module.startswith(f"{name}.")):
            return True
    return row == "src/neutone/" and (".".join(module.split(".")[:2]) in BASE or module == "neutone.errors")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_are_those_of_the_table(path: Path) -> None:
    row = row_of(path)
    wrong = [module for module in imports(ast.parse(path.read_text(encoding="utf-8"))) if not allowed(row, module)]
    assert wrong == [], f"docs/architecture.md: {row} may not import {', '.join(wrong)}"


def test_every_folder_has_a_row() -> None:
    assert {row_of(path) for path in SOURCES} == set(TABLE)
