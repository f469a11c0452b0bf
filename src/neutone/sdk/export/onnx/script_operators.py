"""TorchScript's operators in Python. Those on numbers, texts and lists are defined here; those on tensors are
PyTorch's.

PyTorch also has operators on numbers, but they do not work on the symbolic sizes that exporters use.
"""

import math
import operator
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from neutone.errors import ModelFileError
from neutone.sdk.export.onnx.recurrent import recurrent_node

DTYPES = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.float32,
    torch.float64,
    torch.complex32,
    torch.complex64,
    torch.complex128,
    torch.bool,
]
"""PyTorch's dtypes by the numbers that TorchScript uses for them."""

SCALARS_OF_TENSORS = {
    "aten::Bool",
    "aten::Float",
    "aten::FloatImplicit",
    "aten::Int",
    "aten::IntImplicit",
    "aten::ScalarImplicit",
    "aten::allclose",
    "aten::equal",
    "aten::is_nonzero",
    "aten::item",
}
"""The operators that turn what a tensor holds into a number or a truth value."""

RECURRENT = {"aten::lstm": "LSTM", "aten::gru": "GRU", "aten::rnn_tanh": "RNN", "aten::rnn_relu": "RNN"}


def _set_item(container: Any, key: Any, value: Any) -> Any:
    container[key] = value
    return container


def _changed(method: str) -> Callable[..., Any]:
    def call(container: Any, *arguments: Any) -> Any:
        getattr(container, method)(*arguments)
        return container

    return call


def _slice(sequence: Any, start: Any, stop: Any, step: Any = 1) -> Any:
    return sequence[start:stop:step]


def _delete(container: Any, key: Any) -> None:
    del container[key]


def _whole(number: Any) -> Any:
    return number if isinstance(number, torch.SymInt) else int(number)


def _real(number: Any) -> Any:
    is_symbolic = isinstance(number, torch.SymInt | torch.SymFloat)
    return operator.mul(number, 1.0) if is_symbolic else float(number)


MATHEMATICS = (
    "acos",
    "asin",
    "atan",
    "cos",
    "cosh",
    "exp",
    "log",
    "log10",
    "log2",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
)


# By operator, for arguments that include no tensor. (`aten::add` of two lists concatenates them, as in Python.)
ON_VALUES: dict[str, Callable[..., Any]] = {
    "aten::Bool": bool,
    "aten::Float": _real,
    "aten::Int": _whole,
    "aten::__and__": operator.and_,
    "aten::__contains__": operator.contains,
    "aten::__getitem__": operator.getitem,
    "aten::__not__": operator.not_,
    "aten::__or__": operator.or_,
    "aten::_set_item": _set_item,
    "aten::abs": abs,
    "aten::add": operator.add,
    "aten::append": _changed("append"),
    "aten::ceil": math.ceil,
    "aten::clear": _changed("clear"),
    "aten::Delete": _delete,
    "aten::dict": dict,
    "aten::div": operator.truediv,
    "aten::eq": operator.eq,
    "aten::extend": _changed("extend"),
    "aten::floor": math.floor,
    "aten::floordiv": operator.floordiv,
    "aten::format": lambda text, *values: text.format(*values),
    "aten::ge": operator.ge,
    "aten::gt": operator.gt,
    "aten::insert": _changed("insert"),
    "aten::is_grad_enabled": lambda: False,
    "aten::items": lambda mapping: list(mapping.items()),
    "aten::keys": lambda mapping: list(mapping),
    "aten::le": operator.le,
    "aten::len": len,
    "aten::list": list,
    "aten::lt": operator.lt,
    "aten::mul": operator.mul,
    "aten::ne": operator.ne,
    "aten::neg": operator.neg,
    "aten::pop": lambda container, *key: container.pop(*key),
    "aten::pow": operator.pow,
    "aten::remainder": operator.mod,
    "aten::reverse": _changed("reverse"),
    "aten::set_grad_enabled": lambda enabled: None,
    "aten::slice": _slice,
    "aten::str": str,
    "aten::sub": operator.sub,
    "aten::values": lambda mapping: list(mapping.values()),
    "aten::warn": lambda *message: None,
    "prim::abs": abs,
    "prim::max": max,
    "prim::min": min,
    **{f"aten::{name}": getattr(math, name) for name in MATHEMATICS},
}

# By operator, for any arguments.
ON_ANYTHING: dict[str, Callable[..., Any]] = {
    "aten::__is__": operator.is_,
    "aten::__isnot__": operator.is_not,
    "aten::dim": lambda x: x.dim(),
    "aten::is_floating_point": lambda x: x.is_floating_point(),
    "aten::numel": lambda x: x.numel(),
    "aten::requires_grad_": lambda x, wanted=True: x,
    "prim::NumToTensor": torch.tensor,
    "prim::Print": lambda *values: None,
    "prim::Uninitialized": lambda: None,
    "prim::data": lambda x: x.detach(),
    "prim::device": lambda x: torch.device("cpu"),
    "prim::dtype": lambda x: DTYPES.index(x.dtype),
    "prim::is_cuda": lambda x: False,
    "prim::is_quantized": lambda x: False,
    "prim::ListConstruct": lambda *values: list(values),
    "prim::TupleConstruct": lambda *values: values,
    "prim::TupleIndex": operator.getitem,
    "prim::requires_grad": lambda x: False,
    "prim::shape": lambda x: list(x.shape),
    "prim::unchecked_cast": lambda x: x,
    "prim::unchecked_unwrap_optional": lambda x: x,
    "aten::_unwrap_optional": lambda x: x,
}

# The containers may hold tensors; these operators do not look at them.
ON_CONTAINERS = {
    "aten::Delete",
    "aten::__contains__",
    "aten::__getitem__",
    "aten::_set_item",
    "aten::append",
    "aten::clear",
    "aten::dict",
    "aten::extend",
    "aten::insert",
    "aten::items",
    "aten::keys",
    "aten::len",
    "aten::list",
    "aten::pop",
    "aten::reverse",
    "aten::values",
}


def python_operator(kind: str, arguments: list[Any]) -> Callable[..., Any] | None:
    """Return a function that computes an operator without PyTorch, or None if PyTorch has to compute it."""
    if kind in ON_ANYTHING:
        return ON_ANYTHING[kind]
    if kind == "aten::size" and len(arguments) == 1:
        return lambda x: list(x.shape)
    if kind == "aten::size":
        return lambda x, axis: x.shape[axis]
    if kind in ON_CONTAINERS and arguments and isinstance(arguments[0], list | tuple | dict | str):
        return ON_VALUES[kind]
    if kind in ON_VALUES and not any(isinstance(argument, Tensor) for argument in arguments):
        if any(isinstance(item, Tensor) for a in arguments if isinstance(a, list | tuple) for item in a):
            return ON_VALUES[kind] if kind in ("aten::add", "aten::slice") else None
        return ON_VALUES[kind]
    return None


@cache
def _parsed(schema: str) -> Any:
    return torch._C.parse_schema(schema)


def _converted(name: str, value: Any) -> Any:
    """Convert an argument to what PyTorch's Python functions take: TorchScript uses numbers for dtypes."""
    return DTYPES[value] if name == "dtype" and type(value) is int else value


def call_tensor_operator(schema: str, arguments: list[Any]) -> Any:
    """Return what PyTorch computes for an operator with tensors.

    Raises:
        neutone.errors.ModelFileError: PyTorch has no such operator.
    """
    parsed = _parsed(schema)
    names = [argument.name for argument in parsed.arguments]
    values = [_converted(name, value) for name, value in zip(names, arguments, strict=True)]
    if parsed.name in ("aten::tensor", "aten::as_tensor"):
        given = dict(zip(names, values, strict=True))
        data = given["data"] if "data" in given else given["t"]
        return torch.as_tensor(data, dtype=given.get("dtype"))
    if parsed.name == "aten::to" and parsed.overload_name.startswith("prim_"):
        dtypes = [value for value in values if isinstance(value, torch.dtype)]
        return values[0].to(dtypes[0]) if dtypes else values[0]
    if parsed.name == "aten::copy_" and not isinstance(values[1], Tensor):
        return values[0].fill_(values[1])
    if parsed.name == "aten::_convolution":  # what a traced layer calls; the rest are settings of the processor
        return torch.ops.aten.convolution.default(*values[:9])
    namespace, _, name = parsed.name.partition("::")
    packet = getattr(getattr(torch.ops, namespace), name, None)
    overload = getattr(packet, parsed.overload_name or "default", None)
    if overload is None:
        raise ModelFileError(f"the operator {parsed.name} has no counterpart")
    given = dict(zip(names, values, strict=True))
    keywords = {a.name: given.pop(a.name) for a in parsed.arguments if a.kwarg_only}
    keywords = {name: value for name, value in keywords.items() if value is not None}
    return overload(*given.values(), **keywords)


def recurrent_operator(kind: str, arguments: list[Any]) -> Any:
    """Compute one of :data:`RECURRENT` as ONNX nodes. Takes the arguments of the TorchScript operator, and returns its
    results as a tuple.

    Raises:
        neutone.errors.ModelFileError: The layer is bidirectional, packed or has a projection.
    """
    if len(arguments) != 9 or isinstance(arguments[3], list):
        raise ModelFileError(f"{kind} on packed sequences has no counterpart")
    x, given, weights, has_biases, layers, _, _, bidirectional, batch_first = arguments
    states = list(given) if kind == "aten::lstm" else [given]
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if has_biases else [])]
    if len(weights) != len(names) * layers * (2 if bidirectional else 1):
        raise ModelFileError(f"{kind} with a projection has no counterpart in ONNX")
    layer = SimpleNamespace(
        num_layers=layers,
        hidden_size=weights[1].shape[1],
        batch_first=batch_first,
        bias=has_biases,
        bidirectional=bidirectional,
        proj_size=0,
        nonlinearity="relu" if kind == "aten::rnn_relu" else "tanh",
    )
    for index, weight in enumerate(weights):
        setattr(layer, f"{names[index % len(names)]}_l{index // len(names)}", weight)
    y, after = recurrent_node(RECURRENT[kind], layer, x, tuple(states) if kind == "aten::lstm" else states[0])
    return (y, *after) if kind == "aten::lstm" else (y, after)
