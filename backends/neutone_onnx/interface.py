"""The interface of an ONNX graph: its inputs, its outputs and the metadata next to it.

It is read from the file itself, before ONNX Runtime opens it. So nothing of the graph is run, and nothing is allocated
for what the file only claims. Field numbers are those of onnx.proto3 (github.com/onnx/onnx).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neutone.errors import ModelFileError
from neutone.limits import MAX_STATE_BYTES
from neutone_onnx.protobuf import Budget, fields, packed_integers

if TYPE_CHECKING:
    import onnxruntime

METADATA_KEY = "neutone"
LARGEST_FILE = 1 << 31
"""The largest file in bytes: Protocol Buffers messages cannot be larger.
Larger models keep their weights in other files."""
MOST_FIELDS = 1_000_000
"""The most fields that are read in all: nodes, weights, values and their parts."""
MOST_TENSORS = 10_000
"""The most inputs or outputs."""
MOST_AXES = 16

MODEL_GRAPH, MODEL_METADATA = 7, 14
ENTRY_KEY, ENTRY_VALUE = 1, 2
GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_SPARSE_INITIALIZER = 5, 11, 12, 15
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_ELEMENT, TENSOR_SHAPE = 1, 2, 1, 1, 2
SHAPE_DIMENSION, DIMENSION_VALUE, DIMENSION_NAME = 1, 1, 2
INITIALIZER_NAME, SPARSE_VALUES, SPARSE_DIMENSIONS = 8, 1, 3

ELEMENTS = {1: "float", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "double"}


@dataclass(frozen=True)
class Tensor:
    """An input or output of a graph."""

    name: str
    type: str
    """The type as ONNX Runtime calls it, such as ``tensor(float)``."""
    shape: list[int | str | None]
    """The sizes of the axes: numbers, names or unknown (None)."""


@dataclass(frozen=True)
class GraphInterface:
    """The inputs, outputs and metadata of a graph."""

    inputs: Sequence[Tensor]
    """The inputs that must be given."""
    overridable: Sequence[Tensor]
    """The inputs that have a value of their own, and need not be given."""
    outputs: Sequence[Tensor]
    metadata: str | bytes | None
    """The JSON under the key ``neutone``, or None if the file was not made by neutone."""


def interface_of_session(
    inference: onnxruntime.InferenceSession, path: Path, of_file: GraphInterface | None = None
) -> GraphInterface:
    """Return the interface of a graph that ONNX Runtime has opened, with the shapes that it inferred.

    The metadata are taken from `of_file` if it is given, because the runtime only gives out its own if all of them are
    text. Raises :class:`~neutone.errors.ModelFileError` if a string is not UTF-8.
    """
    try:
        return GraphInterface(
            _tensors(inference.get_inputs()),
            _tensors(inference.get_overridable_initializers()),
            _tensors(inference.get_outputs()),
            of_file.metadata if of_file else inference.get_modelmeta().custom_metadata_map.get(METADATA_KEY),
        )
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path}: a name in it is not UTF-8 text: {error.reason}") from error


def _tensors(arguments: Iterable[Any]) -> list[Tensor]:
    return [Tensor(argument.name, argument.type, list(argument.shape)) for argument in arguments]


def interface_of_file(path: Path) -> GraphInterface:
    """Read the interface of an ``.onnx`` file.

    Raises :class:`~neutone.errors.ModelFileError` if it is not one, or claims more than a model may have.
    """
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise ModelFileError(f"{path} has {size} bytes, expected {LARGEST_FILE} at most")
    found = _Reader()
    try:
        found.read_model(memoryview(path.read_bytes()))
    except ValueError as error:
        raise ModelFileError(
            f"{path} is not a model that ONNX Runtime can run: it is not an ONNX file, or it is damaged ({error})"
        ) from error
    dense = max(found.sparse_elements, default=0)
    if dense * 4 > MAX_STATE_BYTES:  # the runtime allocates all of it
        raise ModelFileError(f"{path}: a sparse tensor of {dense} elements, expected {MAX_STATE_BYTES // 4} at most")
    if not found.has_graph:
        raise ModelFileError(f"{path} is not a model that ONNX Runtime can run: it holds no graph")
    doubled = [name for name, count in Counter(tensor.name for tensor in found.inputs).items() if count > 1]
    if doubled:
        raise ModelFileError(f"{path}: two inputs are named {doubled[0][:80]!r}")
    return GraphInterface(
        [tensor for tensor in found.inputs if tensor.name not in found.initializers],
        [tensor for tensor in found.inputs if tensor.name in found.initializers],
        found.outputs,
        found.metadata,
    )


@dataclass
class _Reader:
    """What has been found in a file so far, and how much more may be read from it."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    initializers: set[str] = field(default_factory=set)
    sparse_elements: list[int] = field(default_factory=list)
    metadata: bytes | None = None
    has_graph: bool = False
    budget: Budget = field(default_factory=lambda: Budget(MOST_FIELDS))

    def read_model(self, data: memoryview) -> None:
        for number, value in self._messages(data):
            if number == MODEL_GRAPH:
                self.has_graph = True
                self._read_graph(value)
            elif number == MODEL_METADATA:
                self._read_metadata(value)

    def _messages(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yield the fields that are strings or messages."""
        for number, value in fields(data, self.budget):
            if isinstance(value, memoryview):
                yield number, value

    def _read_metadata(self, data: memoryview) -> None:
        key = content = b""
        for number, value in self._messages(data):
            if number == ENTRY_KEY:
                key = bytes(value)
            elif number == ENTRY_VALUE:
                content = bytes(value)
        if key == METADATA_KEY.encode():
            self.metadata = content

    def _read_graph(self, data: memoryview) -> None:
        for number, value in self._messages(data):
            if number in (GRAPH_INPUT, GRAPH_OUTPUT):
                tensors = self.inputs if number == GRAPH_INPUT else self.outputs
                if len(tensors) == MOST_TENSORS:
                    raise ValueError(f"it has more than {MOST_TENSORS} inputs or outputs")
                tensors.append(self._read_value(value))
            elif number == GRAPH_INITIALIZER:
                self.initializers.add(self._name_of_initializer(value))
            elif number == GRAPH_SPARSE_INITIALIZER:
                self.sparse_elements.append(self._sparse_elements(value))

    def _name_of_initializer(self, data: memoryview) -> str:
        name = ""
        for number, value in self._messages(data):
            if number == INITIALIZER_NAME:
                name = _text(value)
        return name

    def _sparse_elements(self, data: memoryview) -> int:
        sizes: list[int] = []
        for number, value in fields(data, self.budget):
            if number == SPARSE_DIMENSIONS:
                sizes += packed_integers(value, self.budget)
                _check_axes(sizes)
            elif number == SPARSE_VALUES and isinstance(value, memoryview):
                self.initializers.add(self._name_of_initializer(value))
        return math.prod(sizes)

    def _read_value(self, data: memoryview) -> Tensor:
        name, element, shape = "", "unknown", list[int | str | None]()
        for number, value in self._messages(data):
            if number == VALUE_NAME:
                name = _text(value)
            elif number == VALUE_TYPE:
                for kind, tensor in self._messages(value):
                    if kind == TYPE_TENSOR:
                        element, shape = self._read_tensor_type(tensor)
        return Tensor(name, element, shape)

    def _read_tensor_type(self, data: memoryview) -> tuple[str, list[int | str | None]]:
        element, shape = "unknown", list[int | str | None]()
        for number, value in fields(data, self.budget):
            if number == TENSOR_ELEMENT and isinstance(value, int):
                element = f"tensor({ELEMENTS.get(value, value)})"
            elif number == TENSOR_SHAPE and isinstance(value, memoryview):
                shape = [self._read_dimension(size) for kind, size in self._messages(value) if kind == SHAPE_DIMENSION]
                _check_axes(shape)
        return element, shape

    def _read_dimension(self, data: memoryview) -> int | str | None:
        size: int | str | None = None
        for number, value in fields(data, self.budget):
            if number == DIMENSION_VALUE and isinstance(value, int):
                size = value if value < 1 << 63 else None  # a negative number
            elif number == DIMENSION_NAME and isinstance(value, memoryview):
                size = _text(value)
        return size


def _text(data: memoryview) -> str:
    return bytes(data).decode(errors="replace")


def _check_axes(sizes: Sequence[object]) -> None:
    if len(sizes) > MOST_AXES:
        raise ValueError(f"a tensor of {len(sizes)} axes")
