"""ONNX files with other metadata, another graph, or other shapes."""

from __future__ import annotations

import random

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fuzz.file_verdict import ENDLESS
from fuzz.mutate_bytes import mutate_bytes
from fuzz.mutate_metadata import silly_metadata, silly_text

__all__ = ["mutate_onnx"]

SIZES = (0, 1, 2, 3, 7, 64, 512, 1025, 65_537, 1 << 24, 1 << 31, 1 << 40, (1 << 62) + 1, -1)
OPERATORS = ("Identity", "Neg", "Abs", "Sqrt", "Log", "Transpose", "Shape", "Softmax", "ReduceSum", "NoSuchOperator")


def mutate_onnx(rng: random.Random, data: bytes) -> bytes:
    """Return a file with damaged bytes, or a changed model that onnx itself can still write."""
    if rng.random() < 0.3:
        return mutate_bytes(rng, data)
    model = onnx.load_from_string(data)
    kinds = [_change_shape, _change_shape, _change_node, _change_initializer, _add_node, _rename, _change_versions]
    for _ in range(rng.choice([1, 1, 2])):
        if rng.random() < 0.5 and any(entry.key == "neutone" for entry in model.metadata_props):
            return _with_metadata(rng, model)
        rng.choice(kinds)(rng, model)
    return bytes(model.SerializeToString())


def _with_metadata(rng: random.Random, model: onnx.ModelProto) -> bytes:
    """Return the file with another text under the key neutone. Protobuf refuses text that is not UTF-8, so a
    placeholder of the same length is written first, and then replaced."""
    entry = next(entry for entry in model.metadata_props if entry.key == "neutone")
    made = silly_metadata(rng, entry.value.encode())
    place = "\x01" * len(made)
    entry.value = place
    return bytes(model.SerializeToString()).replace(place.encode(), made) if made else bytes(model.SerializeToString())


def _change_shape(rng: random.Random, model: onnx.ModelProto) -> None:
    value = rng.choice([*model.graph.input, *model.graph.output])
    tensor = value.type.tensor_type
    kind = rng.randrange(6)
    if kind == 0:
        tensor.elem_type = rng.randrange(24)
    elif kind == 1:
        del tensor.shape.dim[:]
    elif kind == 2:
        tensor.shape.dim.add().dim_value = rng.choice(SIZES)
    elif kind == 3 and tensor.shape.dim:
        rng.choice(tensor.shape.dim).dim_param = rng.choice(
            ["N", "M", "", silly_text(rng)[:1000].replace("\ud800", "")]
        )
    elif tensor.shape.dim:
        rng.choice(tensor.shape.dim).dim_value = rng.choice(SIZES)


def _change_node(rng: random.Random, model: onnx.ModelProto) -> None:
    if not model.graph.node:
        return
    node = rng.choice(model.graph.node)
    kind = rng.randrange(5)
    if kind == 0:
        node.op_type = rng.choice(OPERATORS)
    elif kind == 1:
        model.graph.node.remove(node)
    elif kind == 2 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(["", "nothing", *node.output])
    elif kind == 3 and node.attribute:
        attribute = rng.choice(node.attribute)
        attribute.i = rng.choice(SIZES)
        attribute.ints[:] = [rng.choice(SIZES) for _ in attribute.ints]
    else:
        model.graph.node.append(node)


def _change_initializer(rng: random.Random, model: onnx.ModelProto) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    kind = rng.randrange(5)
    if kind == 0:
        tensor.dims[:] = [rng.choice(SIZES) for _ in range(rng.randrange(4))]
    elif kind == 1:
        tensor.data_type = rng.randrange(24)
    elif kind == 2:
        tensor.raw_data = mutate_bytes(rng, tensor.raw_data or b"\0" * 8)
    elif kind == 3:
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        where = rng.choice(["/etc/passwd", "../../../../etc/passwd", "weights.bin", "", "/dev/zero"])
        for key, text in (("location", where), ("offset", "0"), ("length", str(rng.choice(SIZES)))):
            tensor.external_data.add(key=key, value=text)
    else:
        model.graph.initializer.remove(tensor)


def _add_node(rng: random.Random, model: onnx.ModelProto) -> None:
    """Add a node in front of the output that takes memory, takes time, or does not fit."""
    graph = model.graph
    if not graph.output or not graph.node:
        return
    out = graph.output[0].name
    for node in graph.node:
        for i, name in enumerate(node.output):
            if name == out:
                node.output[i] = "before"
    size = numpy_helper.from_array(np.array([rng.choice([1 << 20, 1 << 33])], np.int64), "many")
    graph.initializer.append(size)
    if rng.random() < 0.5:
        graph.node.append(helper.make_node("ConstantOfShape", ["many"], ["block"]))
        graph.node.append(helper.make_node("ReduceSum", ["block"], ["sum"], keepdims=0))
        graph.node.append(helper.make_node("Add", ["before", "sum"], [out]))
        return
    body = helper.make_graph(
        [helper.make_node("Identity", [name], [f"next_{name}"]) for name in ("going", "carried")],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("next_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_carried", TensorProto.FLOAT, None),
        ],
    )
    turns = rng.choice([3, ENDLESS])
    graph.initializer.append(numpy_helper.from_array(np.array(turns, np.int64), "turns"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    graph.node.append(helper.make_node("Loop", ["turns", "yes", "before"], [out], body=body))


def _rename(rng: random.Random, model: onnx.ModelProto) -> None:
    value = rng.choice([*model.graph.input, *model.graph.output])
    old, new = value.name, rng.choice(["audio", "params", "state.x", "next_state.x", "", silly_text(rng)[:5000]])
    new = new.replace("\ud800", "?")
    value.name = new
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _change_versions(rng: random.Random, model: onnx.ModelProto) -> None:
    if rng.random() < 0.5:
        model.ir_version = rng.choice([0, 1, 3, 99, 1 << 40])
    for opset in model.opset_import:
        opset.version = rng.choice([0, 1, 7, 17, 25, 999, 1 << 40])
