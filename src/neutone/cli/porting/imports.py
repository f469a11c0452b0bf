"""Replace the package neutone_sdk by neutone.compat in a file's imports and in what uses them."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator

from neutone.cli.porting.source import Source

OLD, NEW = "neutone_sdk", "neutone.compat"
MODULE_PATH = re.compile(rf"{OLD}(\.\w+)*")
IMPORTING_CALLS = ("import_module", "__import__", "importorskip", "find_spec")

Change = tuple[str, str]


def import_changes(source: Source) -> dict[tuple[int, int], Change]:
    """Return what to change, by line and column: module paths in import statements, the name of the package where it is
    used, and module paths as text in calls such as ``import_module("neutone_sdk.audio")``. Other text stays."""
    tokens = [token for token in source.tokens() if token.type not in (tokenize.NL, tokenize.COMMENT)]
    changes = {token.start: (OLD, NEW) for token in _in_imports(source, tokens)}
    if not bound_otherwise(source.tree):
        names = {source.place(node) for node in _names(source.tree)}
        changes |= {token.start: (OLD, NEW) for token in tokens if token.string == OLD and token.start in names}
    texts = {source.place(node): node for node in _importing_texts(source.tree)}
    for token in tokens:
        if token.type == tokenize.STRING and token.start in texts:
            changes[token.start] = (token.string, token.string.replace(OLD, NEW, 1))
    return changes


def bound_otherwise(tree: ast.Module) -> int:
    """Return the line in which a file gives the package's name to something else, or 0."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == OLD and not isinstance(node.ctx, ast.Load):
            return node.lineno
        if isinstance(node, ast.arg) and node.arg == OLD:
            return node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == OLD:
            return node.lineno
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.asname == OLD or (isinstance(node, ast.ImportFrom) and alias.name == OLD and not alias.asname):
                    return node.lineno
    return 0


def _in_imports(source: Source, tokens: list[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens that begin a path into the package in import statements."""
    starts = {
        source.place(node): isinstance(node, ast.ImportFrom)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    before, is_importing = "", False
    for token in tokens:
        if token.start in starts and token.string in ("import", "from"):
            is_importing = True
        elif token.type == tokenize.NEWLINE or token.string == ";":
            is_importing = False
        elif is_importing and token.string == OLD and before in ("import", "from", ","):
            yield token
        if before == "from" and is_importing:
            is_importing = False  # what follows `from package import` are names, not modules
        before = token.string


def _names(tree: ast.Module) -> Iterator[ast.Name]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == OLD:
            yield node


def _importing_texts(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            text = node.args[0].value
            if called in IMPORTING_CALLS and isinstance(text, str) and MODULE_PATH.fullmatch(text):
                yield node.args[0]
