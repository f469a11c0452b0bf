"""What a ported file uses that is different in neutone, or not there."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from neutone.cli.porting.imports import MODULE_PATH, NEW, OLD, bound_otherwise
from neutone.cli.porting.source import Source
from neutone.errors import MissingNameError

RENAMED_METHODS = {
    "calc_min_delay_samples": "calc_model_delay_samples",
    "set_model_buffer_size": "set_model_sample_rate_and_buffer_size",
}
HOST_METHODS = {
    "calc_min_delay_samples": "calc_buffering_delay_samples() + calc_model_delay_samples()",
    "set_buffer_size": "set_daw_sample_rate_and_buffer_size(rate, size)",
    "flush": "forward_offline(x), which returns the end of a sound, too",
}
PRIVATE = ("in_queue", "params_queue", "model_in_buffer", "params_buffer")
RANGED = "ContinuousNeutoneParameter"


@dataclass(frozen=True, order=True)
class Finding:
    """Something to look at.

    Attributes:
        line: The line, counted from 1.
        message: What is there, and what to do.
    """

    line: int
    message: str


def findings(source: Source) -> list[Finding]:
    """Return what to look at, in the order of lines."""
    tree = source.tree
    found = {*_names_in_texts(tree), *_of_imports(tree), *_of_wrappers(tree)}
    if line := bound_otherwise(tree):
        found.add(Finding(line, f"{OLD} is the name of something else here, so uses of the name are left as they are"))
    known = _known_names(tree)
    found |= {*_of_attributes(tree, known), *_of_calls(tree, known)}
    return sorted(found)


def _of_imports(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _look_up(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                if alias.name != "*":
                    yield from _look_up(node.lineno, f"{node.module}.{alias.name}")


def _look_up(line: int, path: str) -> Iterator[Finding]:
    if MODULE_PATH.fullmatch(path):
        try:
            _resolve(path)
        except MissingNameError as error:
            yield Finding(line, str(error))
        except LookupError:
            yield Finding(line, f"neutone has no {path}: it is not part of neutone_sdk 1.5.2 either")


def _resolve(path: str) -> Any:
    """Return what takes the place of a path into neutone_sdk.

    Raises:
        neutone.errors.MissingNameError: It is not part of neutone yet.
        LookupError: neutone_sdk 1.5.2 has no such name.
    """
    target: Any = importlib.import_module(NEW)
    walked = NEW
    for part in path.split(".")[1:]:
        walked = f"{walked}.{part}"
        if hasattr(target, part):
            target = getattr(target, part)
            continue
        if not inspect.ismodule(target):
            raise LookupError(path)
        try:
            target = importlib.import_module(walked)
        except ModuleNotFoundError:
            raise LookupError(path) from None
    return target


def _known_names(tree: ast.Module) -> dict[str, str]:
    """Return the names that imports bind to things of neutone_sdk, and the path of each thing."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if MODULE_PATH.fullmatch(alias.name):
                    known[alias.asname or OLD] = alias.name if alias.asname else OLD
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and MODULE_PATH.fullmatch(node.module or ""):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _path_of(node: ast.expr, known: dict[str, str]) -> str:
    """Return the path into neutone_sdk that an expression such as ``audio.AudioSample`` stands for, or ''."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute) and (path := _path_of(node.value, known)):
        return f"{path}.{node.attr}"
    return ""


def _of_attributes(tree: ast.Module, known: dict[str, str]) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := _path_of(node.value, known)):
            try:
                is_module = inspect.ismodule(_resolve(owner))
            except (LookupError, MissingNameError):
                continue  # the owner is reported itself
            if is_module:
                yield from _look_up(node.lineno, f"{owner}.{node.attr}")


def _of_calls(tree: ast.Module, known: dict[str, str]) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in HOST_METHODS and not node.args:
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "self"):
                today = HOST_METHODS[node.func.attr]
                yield Finding(node.lineno, f"{node.func.attr}() of a saved model is {today} today")
            continue
        path = _path_of(node.func, known)
        try:
            called = _resolve(path) if path else None
        except (LookupError, MissingNameError):
            continue
        if path.endswith(f".{RANGED}") and (
            len(node.args) > 3 or any(keyword.arg in ("min_value", "max_value") for keyword in node.keywords)
        ):
            yield Finding(
                node.lineno,
                "a parameter with a range reaches do_forward_pass in natural units; in neutone_sdk 1.5.2 it is 0..1",
            )
        elif inspect.isfunction(called) and (complaint := _misfit(called, node)):
            yield Finding(node.lineno, f"{path}() {complaint}")


def _misfit(function: Any, call: ast.Call) -> str:
    """Return why a call does not fit a function's signature, or ''."""
    keywords = [keyword.arg for keyword in call.keywords]
    if None in keywords or any(isinstance(argument, ast.Starred) for argument in call.args):
        return ""
    try:
        inspect.signature(function).bind(*call.args, **dict.fromkeys(filter(None, keywords)))
    except TypeError as error:
        return str(error)
    return ""


def _of_wrappers(tree: ast.Module) -> Iterator[Finding]:
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.ClassDef):
            continue
        methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        for name, today in RENAMED_METHODS.items():
            if name in methods and today not in methods:
                yield Finding(methods[name].lineno, f"{name} is called {today} today; both names work")
        if "do_forward_pass" not in methods:
            continue
        for node in ast.walk(owner):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in PRIVATE
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
                and isinstance(node.ctx, ast.Load)
            ):
                yield Finding(node.lineno, f"neutone has no self.{node.attr}: it is an internal of neutone_sdk")


def _names_in_texts(tree: ast.Module) -> Iterator[Finding]:
    arguments = {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and sys.version_info < (3, 12):  # before, its parts are no tokens
            if any(isinstance(part, ast.Name) and part.id == OLD for part in ast.walk(node)):
                yield Finding(node.lineno, f"{OLD} is used inside an f-string: replace it by {NEW}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in arguments:
            if MODULE_PATH.fullmatch(node.value):
                yield Finding(node.lineno, f"the text {node.value!r} is left as it is")
