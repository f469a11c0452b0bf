"""ONNX files made node by node, with answers that are known without running them."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def value(name, shape, element_type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element_type, shape)


def save(path, nodes, inputs, outputs, initializers=(), metadata=None):
    graph = helper.make_graph(
        nodes, "test", inputs, outputs, [numpy_helper.from_array(array, name) for name, array in initializers]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    if metadata is not None:
        model.metadata_props.add(key="neutone", value=json.dumps(metadata))
    onnx.save(model, path)
    return path


def accumulator(path, block=None, channels=2, start=0.25, required_state=False):
    """audio_out = audio * params[0] + running sum of all earlier audio (a state), from `start`.

    The state is what was in the last frame of the running sum: next = state + sum over the block."""
    n = "N" if block is None else block
    nodes = [
        helper.make_node("CumSum", ["audio", "axis"], ["sums"]),
        helper.make_node("Add", ["sums", "state.sum"], ["running"]),
        helper.make_node("Mul", ["audio", "params"], ["driven"]),
        helper.make_node("Add", ["driven", "running"], ["audio_out"]),
        helper.make_node("ReduceSum", ["audio", "axes"], ["total"], keepdims=1),
        helper.make_node("Add", ["total", "state.sum"], ["next_state.sum"]),
    ]
    initializers = [("axis", np.array(1, np.int64)), ("axes", np.array([1], np.int64))]
    if not required_state:
        initializers.append(("state.sum", np.full((channels, 1), start, np.float32)))
    return save(
        path,
        nodes,
        [value("audio", [channels, n]), value("params", [1, n]), value("state.sum", [channels, 1])],
        [value("audio_out", [channels, n]), value("next_state.sum", [channels, 1])],
        initializers,
        {
            "model_name": "accumulator",
            "native_sample_rates": [48_000],
            "native_buffer_sizes": [] if block is None else [block],
            "is_input_mono": channels == 1,
            "is_output_mono": channels == 1,
            "neutone_parameters": {
                "p1": {"name": "drive", "description": "", "default_value": 0.5, "used": True, "type": "continuous"}
            },
        },
    )


def plain(path, shape, out_shape=None, node="Identity", element_type=TensorProto.FLOAT):
    """One node from `x` to `y`, no metadata."""
    return save(
        path,
        [helper.make_node(node, ["x"], ["y"])],
        [value("x", shape, element_type)],
        [value("y", shape if out_shape is None else out_shape, element_type)],
    )
