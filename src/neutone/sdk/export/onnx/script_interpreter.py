"""Run TorchScript step by step in Python, so that PyTorch's exporter can follow it.

The exporter follows Python code, and sees a compiled module as one opaque step. :class:`ScriptInterpreter` walks the
module's graph. Operators on tensors are PyTorch's own, and the exporter sees them one by one. Everything else
(settings, sizes, loops over layers, branches on settings) is computed on the way and leaves no trace in the result. A
recurrent layer is seen as the one node that ONNX has for it.

A branch or a loop count must not depend on what changes from block to block. So a first run on real numbers marks every
tensor that the audio, the parameters or the state influence. A branch on such a tensor is refused.
"""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from neutone.errors import ModelFileError
from neutone.sdk.export.onnx.script_attributes import ScriptAttributes, ScriptPart
from neutone.sdk.export.onnx.script_operators import (
    RECURRENT,
    SCALARS_OF_TENSORS,
    call_tensor_operator,
    python_operator,
    recurrent_operator,
)
from neutone.sdk.export.script_errors import place_of

RANDOM = {
    *("rand", "randn", "randint", "rand_like", "randn_like", "randint_like", "randperm", "random", "uniform", "normal"),
    *("bernoulli", "multinomial", "exponential", "poisson", "cauchy", "geometric", "log_normal", "rrelu"),
}
"""Operators that draw random numbers. Dropout is not among them, because the model is in eval mode."""
DIFFERENT = "a branch or a size depends on the audio, the parameters or the state"
THE_SAME = "but an ONNX graph is the same for every block"
REAL_NUMBERS = {"aten::item", "aten::Float", "aten::FloatImplicit", "aten::ScalarImplicit"}
_OPEN = object()
"""In the place of a number that is different in every block."""
MAX_STEPS = 20_000
"""The most operators on tensors in a block; with more, the file would be large and slow."""
MAX_TURNS = 64
"""The most turns of a loop.
Each turn becomes nodes of its own, so a loop over frames would make nodes for every sample."""


class Influence:
    """Marks the tensors that depend on what changes from block to block. Views share their memory, and so the mark."""

    def __init__(self) -> None:
        self._marked: dict[int, Any] = {}  # keeps the memory alive, so that its address is not reused

    def mark(self, value: Any) -> None:
        """Mark every tensor in the value."""
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            self._marked[storage._cdata] = storage

    def reaches(self, value: Any) -> bool:
        """Return whether any tensor in the value is marked."""
        return any(tensor.untyped_storage()._cdata in self._marked for tensor in _tensors(value))


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list | tuple) else []


class ScriptInterpreter:
    """Runs the methods of a TorchScript module on values of its own.

    Args:
        attributes: The module's attributes. They are read and written instead of the module.
    """

    def __init__(self, attributes: ScriptAttributes) -> None:
        self.attributes = attributes
        self.constants: dict[str, Tensor] = {}
        """Tensors that are part of the code, by name."""
        self._graphs: dict[str, Any] = {}
        self._influence: Influence | None = None
        self._known: list[Any] = []  # the values of unmarked tensors, in the order in which they were asked for
        self._asked = 0
        self._steps = 0
        self._method = ""

    def watch(self, changing: Any) -> None:
        """Run the next block on real numbers, and mark what `changing` influences."""
        self._influence = Influence()
        self._influence.mark(changing)
        self._known = []
        self._begin()

    def mark(self, changing: Any) -> None:
        """Mark what was computed from the changing inputs outside of the module. Does nothing while tracing."""
        if self._influence is not None:
            self._influence.mark(changing)

    def trace(self) -> None:
        """Let an exporter follow the next block. Branches go as they went in the block before."""
        self._influence = None
        self._begin()

    def _begin(self) -> None:
        self._asked = self._steps = 0
        self.attributes.begin_block()

    def has_method(self, name: str) -> bool:
        """Return whether the module has a method of that name."""
        return bool(self.attributes.root.handle._has_method(name))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a method and return its result.

        Raises:
            neutone.errors.ModelFileError: The method cannot be followed. The message names the operator and the line.
        """
        if name not in self._graphs:
            self._graphs[name] = self.attributes.root.handle._get_method(name).inlined_graph
        graph = self._graphs[name]
        self._method = name
        inputs = [value.debugName() for value in graph.inputs()]
        given = [self.attributes.root, *arguments]
        given += [None] * (len(inputs) - len(given))
        values = dict(zip(inputs, given, strict=True))
        self._run(graph, values)
        results = [values[output.debugName()] for output in graph.outputs()]
        return results[0] if len(results) == 1 else tuple(results)

    def _run(self, block: Any, values: dict[str, Any]) -> None:
        for node in block.nodes():
            try:
                results = self._step(node, values)
            except _LocatedError:
                raise
            except ModelFileError as error:
                raise _LocatedError(f"{error} ({_place(node)})") from error
            except Exception as error:  # PyTorch raises many classes of exceptions
                reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
                raise _LocatedError(f"{node.kind()}: {reason[:300]} ({_place(node)})") from error
            for output, result in zip(node.outputs(), results, strict=True):
                values[output.debugName()] = result

    def _step(self, node: Any, values: dict[str, Any]) -> list[Any]:
        kind = node.kind()
        arguments = [values[value.debugName()] for value in node.inputs()]
        match kind:
            case "prim::Constant":
                return [self._constant(node)]
            case "prim::GetAttr":
                if isinstance(arguments[0], SimpleNamespace):
                    return [getattr(arguments[0], node.s("name"))]
                return [self.attributes.get(arguments[0], node.s("name"))]
            case "prim::SetAttr":
                self._set(arguments[0], node.s("name"), arguments[1])
                return []
            case "prim::If":
                return self._branch(node, arguments[0], values)
            case "prim::Loop":
                return self._loop(node, arguments, values)
            case "prim::TupleUnpack" | "prim::ListUnpack":
                return list(arguments[0])
            case "prim::DictConstruct":
                return [dict(zip(arguments[::2], arguments[1::2], strict=True))]
            case "prim::TupleSlice":
                return [arguments[0][node.i("beg") : node.i("end")]]
            case "prim::RaiseException":
                raise ModelFileError(f"the model raises an error on this block: {arguments[0]}")
            case "prim::CreateObject" if "grad_mode" in str(node.output().type()):
                return [SimpleNamespace(prev=False)]  # torch.no_grad(): there are no gradients anyway
            case "prim::Enter" | "prim::Exit" if isinstance(arguments[0], SimpleNamespace):
                return [None] * node.outputsSize()
        results = self._operator(node, kind, arguments)
        return list(results) if node.outputsSize() > 1 else [results] * node.outputsSize()

    def _operator(self, node: Any, kind: str, arguments: list[Any]) -> Any:
        if kind in SCALARS_OF_TENSORS and _tensors(arguments):
            return self._number(node, arguments)
        function = python_operator(kind, arguments)
        if function is not None:
            return function(*arguments)
        schema = node.schema()
        if not schema or kind.startswith("prim::"):
            raise ModelFileError(f"the operator {kind} has no counterpart")
        if kind.removeprefix("aten::").rstrip("_") in RANDOM:
            raise ModelFileError(f"the model draws random numbers by {kind}, so it cannot be compared with the result")
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ModelFileError(
                f"more than {MAX_STEPS} operators run in a block: the file would be too large and slow"
            )
        if self._influence is None and kind in RECURRENT:
            return recurrent_operator(kind, arguments)
        results = call_tensor_operator(schema, arguments)
        if self._influence is not None and self._influence.reaches(arguments):
            self._influence.mark(results)
            if kind.endswith("_"):
                self._influence.mark(arguments[0])
        return results

    def _number(self, node: Any, arguments: list[Any]) -> Any:
        """Return a number from a tensor, for a branch, a loop count or a size. A real number that changes from block to
        block, such as a parameter's, stays open: the exporter follows it, unless the model branches on it."""
        if self._influence is not None:
            if self._influence.reaches(arguments):
                if node.kind() in REAL_NUMBERS and arguments[0].is_floating_point():
                    self._known.append(_OPEN)
                    self._asked += 1
                    return arguments[0].item()
                raise ModelFileError(f"{DIFFERENT}, by {node.kind()}, {THE_SAME}")
            self._known.append(call_tensor_operator(node.schema(), arguments))
        self._asked += 1
        number = self._known[self._asked - 1]
        return arguments[0].item() if number is _OPEN else number

    def _constant(self, node: Any) -> Any:
        value = node.output().toIValue()
        if not isinstance(value, Tensor):
            return value
        return self.constants.setdefault(f"{self._method}.{node.output().debugName()}", value.detach().clone())

    def _set(self, owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, SimpleNamespace):
            setattr(owner, name, value)
        elif isinstance(owner, ScriptPart):
            self.attributes.set(owner, name, value)
        else:
            raise ModelFileError(f"the attribute {name!r} is assigned on an object that is not a module")

    def _branch(self, node: Any, condition: Any, values: dict[str, Any]) -> list[Any]:
        then, otherwise = node.blocks()
        try:
            taken = then if condition else otherwise
        except Exception as error:  # PyTorch's, for a number that stays open
            raise ModelFileError(f"{DIFFERENT}, {THE_SAME}") from error
        self._run(taken, values)
        return [values[output.debugName()] for output in taken.outputs()]

    def _loop(self, node: Any, arguments: list[Any], values: dict[str, Any]) -> list[Any]:
        count, goes_on, *carried = arguments
        if isinstance(count, torch.SymInt):
            raise ModelFileError("a loop runs as often as there are frames")
        (body,) = node.blocks()
        names = [value.debugName() for value in body.inputs()]
        results = [output.debugName() for output in body.outputs()]
        index = 0
        while index < count and goes_on:
            values.update(zip(names, [index, *carried], strict=True))
            self._run(body, values)
            goes_on, *carried = (values[name] for name in results)
            index += 1
            if index > MAX_TURNS:
                raise ModelFileError(
                    f"a loop runs more than {MAX_TURNS} times in a block: a loop over frames cannot be converted"
                )
        return carried


class _LocatedError(ModelFileError):
    """An error whose message already says where it happened."""


def _place(node: Any) -> str:
    """Return the line that a node comes from, and its file name without the author's folders."""
    return place_of(node.sourceRange()) or f"operator {node.kind()}"
