"""Python source as text with exact positions: read, searched, and changed without touching anything else."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

from neutone.errors import ModelFileError


@dataclass(frozen=True)
class Source:
    """A Python file.

    Attributes:
        path: The file.
        text: Its text, with its own line ends.
        encoding: The encoding that it declares.
        tree: Its syntax tree.
    """

    path: Path
    text: str
    encoding: str
    tree: ast.Module

    @functools.cached_property
    def lines(self) -> list[str]:
        """The lines of the text, with their ends, counted as Python's parser counts them."""
        return io.StringIO(self.text, newline="").readlines()

    def tokens(self) -> list[tokenize.TokenInfo]:
        """Return the tokens of the text. Their columns count characters."""
        return list(tokenize.generate_tokens(iter(self.lines).__next__))

    def place(self, node: ast.AST) -> tuple[int, int]:
        """Return the line of a node, counted from 1, and its column in characters; the tree counts bytes."""
        row, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        return row, len(self.lines[row - 1].encode()[:column].decode(errors="replace"))

    def replaced(self, changes: dict[tuple[int, int], tuple[str, str]]) -> str:
        """Return the text with changes at (line, column), each a text that is there and the one to put there."""
        lines = list(self.lines)
        for (row, column), (old, new) in sorted(changes.items(), reverse=True):
            line = lines[row - 1]
            lines[row - 1] = line[:column] + new + line[column + len(old) :]
        return "".join(lines)


def read_source(path: Path) -> Source:
    """Read a Python file.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ModelFileError: It is not Python.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no Python file {path}")
    content = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
        tree = ast.parse(text)
        source = Source(path, text, encoding, tree)
        source.tokens()
    except SyntaxError as error:  # also of a wrong encoding
        where = f", line {error.lineno}" if error.lineno else ""
        raise ModelFileError(f"{path}{where} is not Python: {error.msg}") from error
    except (ValueError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise ModelFileError(f"{path} is not Python: {error}") from error
    return source
