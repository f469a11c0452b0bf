"""The types that a wrapper's author left out, and methods behind a decorator, as TorchScript needs them.

TorchScript reads types from the source text and takes every argument without one for a tensor. The types of
``do_forward_pass`` and of the other methods that hosts call are known: the base class declares them. So while a module
is compiled, it has a class whose methods read as if the author had written them. The code that runs is the author's.
"""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from torch import nn

from neutone.sdk.wrap.model import NeutoneModel

GRAD_DECORATORS = "torch.utils._contextlib"
"""The module of the functions that ``@torch.no_grad()`` and its relatives put around a method."""

Function = Callable[..., Any]


@contextmanager
def complete_signatures(module: nn.Module) -> Iterator[None]:
    """Complete the methods of a module and of all modules in it during the ``with`` block: TorchScript sees the types
    that a base class declares, and what is below ``@torch.no_grad()`` and its relatives."""
    classes: dict[type, type] = {}
    changed: list[tuple[nn.Module, type]] = []
    names: list[str] = []
    try:
        for child in module.modules():
            own = type(child)
            if own not in classes:
                classes[own] = _completed(own, names)
            if classes[own] is not own:
                changed.append((child, own))
                child.__class__ = classes[own]
        yield
    finally:
        for child, own in changed:
            child.__class__ = own
        for name in names:
            linecache.cache.pop(name, None)


def _completed(own: type, names: list[str]) -> type:
    """Return a subclass of a module's class with its methods completed; the class itself if all are complete. The names
    of new entries in ``linecache`` are appended to `names`."""
    if not own.__module__ or own.__module__.startswith("torch."):
        return own
    methods: dict[str, Any] = {}
    for name in dir(own):
        method = inspect.getattr_static(own, name)
        if not isinstance(method, FunctionType):
            continue
        function = _below_decorators(method)
        if issubclass(own, NeutoneModel):
            function = _with_types_of(_declaration(own, name), function, names)
        if function is not method:
            methods[name] = function
    if not methods:
        return own
    described = {"__module__": own.__module__, "__qualname__": own.__qualname__, "__doc__": own.__doc__}
    annotations = {"__annotations__": dict(getattr(own, "__annotations__", {}))}
    return type(own.__name__, (own,), {**described, **annotations, **methods})


def _below_decorators(method: FunctionType) -> FunctionType:
    modifier = getattr(method, "_torchscript_modifier", None)
    while method.__globals__.get("__name__") == GRAD_DECORATORS and isinstance(
        getattr(method, "__wrapped__", None), FunctionType
    ):
        method = method.__wrapped__  # type: ignore[attr-defined]
    if modifier is not None and getattr(method, "_torchscript_modifier", None) is None:
        method._torchscript_modifier = modifier  # type: ignore[attr-defined]
    return method


def _declaration(own: type, name: str) -> FunctionType | None:
    """Return the method of that name in the class furthest from the author's."""
    for base in reversed(own.__mro__):
        found = vars(base).get(name)
        if issubclass(base, NeutoneModel) and isinstance(found, FunctionType):
            return found
    return None


# -- the source of one method ------------------------------------------------------------------------------------------


@dataclass
class Types:
    """The types in a declaration: of the arguments after ``self`` in their order, and of the result."""

    arguments: list[str]
    result: str


def _with_types_of(declared: FunctionType | None, function: FunctionType, names: list[str]) -> FunctionType:
    """Return the function as if its author had copied the types from the declaration, if any is missing."""
    if declared is None or declared is function:
        return function
    types = _types(declared)
    try:
        lines, first = inspect.getsourcelines(function)
        path = inspect.getsourcefile(function) or function.__code__.co_filename
        header = None if any("# type:" in line for line in lines) else _header(lines, types)
    except (OSError, TypeError, SyntaxError):  # no source: TorchScript will say so
        return function
    if header is None:
        return function
    start, end, text = header
    source = list(linecache.getlines(path))
    source[first - 1 + start : first - 1 + end] = [text, *["\n"] * (end - start - 1)]  # line numbers stay
    name = f"<{path}, {function.__qualname__}>"
    linecache.cache[name] = (sum(map(len, source)), None, source, name)
    names.append(name)
    code = function.__code__.replace(co_filename=name)
    defaults = None if None in (function.__defaults__ or ()) else function.__defaults__  # as in the header
    completed = FunctionType(code, function.__globals__, function.__name__, defaults, function.__closure__)
    completed.__dict__.update({key: value for key, value in vars(function).items() if key != "__wrapped__"})
    completed.__module__, completed.__qualname__ = function.__module__, function.__qualname__
    completed.__kwdefaults__ = function.__kwdefaults__
    completed.__annotations__ = dict(declared.__annotations__)
    return completed


def _types(declared: FunctionType) -> Types:
    signature = inspect.signature(declared)
    given = [parameter.annotation for parameter in list(signature.parameters.values())[1:]]
    *arguments, result = [
        "" if annotation is signature.empty else inspect.formatannotation(annotation)
        for annotation in [*given, signature.return_annotation]
    ]
    return Types([_if_useful(text) for text in arguments], _if_useful(result))


def _if_useful(text: str) -> str:
    return "" if "Any" in text else text


def _says_nothing(annotation: ast.expr | None) -> bool:
    return annotation is None or "Any" in ast.unparse(annotation)


def _header(lines: list[str], types: Types) -> tuple[int, int, str] | None:
    """Return the first line of a method's header, the line after its last, and the header with all types; None if
    nothing is missing, or if it has other arguments than the declaration."""
    text = "".join(lines)
    indent = text[: len(text) - len(text.lstrip())]
    definition = ast.parse(textwrap.dedent(text)).body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    arguments = [*definition.args.posonlyargs, *definition.args.args][1:]
    if len(arguments) != len(types.arguments) or definition.args.vararg or definition.args.kwonlyargs:
        return None
    missing = False
    for argument, known in zip(arguments, types.arguments, strict=True):
        if known and _says_nothing(argument.annotation):
            argument.annotation, missing = ast.parse(known, mode="eval").body, True
    if types.result and _says_nothing(definition.returns):
        definition.returns, missing = ast.parse(types.result, mode="eval").body, True
    if not missing:
        return None
    if any(isinstance(default, ast.Constant) and default.value is None for default in definition.args.defaults):
        definition.args.defaults = []  # None has none of the declared types, and hosts pass every argument
    returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
    header = f"{indent}def {definition.name}({ast.unparse(definition.args)}){returns}:"
    start, body = definition.lineno - 1, definition.body[0]
    if body.lineno - 1 > start and not lines[body.lineno - 1][: len(indent) + body.col_offset].strip():
        return start, body.lineno - 1, header + "\n"
    # The body begins in the header's last line: def f(self, x): return x
    rest = lines[body.lineno - 1].encode()[len(indent.encode()) + body.col_offset :].decode()
    return start, body.lineno, f"{header} {rest}"
