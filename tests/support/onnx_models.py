"""ONNX files made node by node. Their outputs are known without running them."""

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
    """Write audio_out = audio * params[0] + running sum of all earlier audio (a state), from `start`.

    The next state is the state plus the sum over the block."""
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
    """Write a model with one node from `x` to `y`, without metadata."""
    return save(
        path,
        [helper.make_node(node, ["x"], ["y"])],
        [value("x", shape, element_type)],
        [value("y", shape if out_shape is None else out_shape, element_type)],
    )


def with_state(path, element_type, start=None, look_behind=0, channels=1, layout="neutone"):
    """Write audio_out = the newest frames of audio * (state as float + 1). The state counts blocks; a boolean one
    alternates.

    The state is `element_type` (3, 1). It starts from `start`, an initializer; if that is None, it is an input without
    one. `look_behind` frames before the block are added to the gain, so that they matter."""
    dtype = helper.tensor_dtype_to_np_dtype(element_type)
    names = ("audio", "audio_out") if layout == "neutone" else ("x", "y")
    if element_type == TensorProto.BOOL:
        count = [helper.make_node("Not", ["state.s"], ["next_state.s"])]
    else:
        count = [helper.make_node("Add", ["state.s", "one"], ["next_state.s"])]
    nodes = [
        *count,
        helper.make_node("Cast", ["state.s"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["counted"], ["mean"], keepdims=0),
        helper.make_node("ReduceSum", [names[0]], ["all"], keepdims=0),
        helper.make_node("Add", ["mean", "all"], ["gain"]),
        helper.make_node("Slice", [names[0], "starts", "ends", "axes"], ["newest"]),
        helper.make_node("Mul", ["newest", "gain"], [names[1]]),
    ]
    initializers = [
        ("starts", np.array([look_behind], np.int64)),
        ("ends", np.array([2**40], np.int64)),
        ("axes", np.array([1], np.int64)),
    ]
    if element_type != TensorProto.BOOL:
        initializers.append(("one", np.ones(1, dtype)))
    if start is not None:
        initializers.append(("state.s", np.full((3, 1), start, dtype)))
    metadata = {
        "model_name": "counter",
        "is_input_mono": channels == 1,
        "is_output_mono": channels == 1,
        "look_behind_samples": look_behind,
    }
    return save(
        path,
        nodes,
        [value(names[0], [channels, "M"]), value("state.s", [3, 1], element_type)],
        [value(names[1], [channels, "N"]), value("next_state.s", [3, 1], element_type)],
        initializers,
        metadata if layout == "neutone" else None,
    )


def fails_on_loud(path):
    """Write a model that returns its state, which counts blocks, on every frame. A sample of 1 or above makes the run
    fail."""
    nodes = [
        helper.make_node("ReduceMax", ["audio"], ["peak"], keepdims=0),
        helper.make_node("Cast", ["peak"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["none"], name="the_table"),
        helper.make_node("Mul", ["audio", "none"], ["silence"]),
        helper.make_node("Add", ["silence", "state.n"], ["audio_out"]),
        helper.make_node("Add", ["state.n", "step"], ["next_state.n"]),
    ]
    initializers = [("table", np.zeros(1, np.float32)), ("step", np.full((1, 1), 0.125, np.float32))]
    return save(
        path,
        nodes,
        [value("audio", [1, "N"]), value("state.n", [1, 1])],
        [value("audio_out", [1, "N"]), value("next_state.n", [1, 1])],
        initializers,
        {"model_name": "fails on loud", "is_input_mono": True, "is_output_mono": True},
    )


def endless(path):
    """Write audio_out = audio, after a loop that ends only for silence. Opening the file runs it on silence, so opening
    ends."""
    frames = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    going = helper.make_tensor_value_info("going", TensorProto.BOOL, [])
    still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["before"], ["after"]),
            helper.make_node("Abs", ["before"], ["magnitude"]),
            helper.make_node("ReduceMax", ["magnitude"], ["peak"], keepdims=0),
            helper.make_node("Greater", ["peak", "zero"], ["still"]),
        ],
        "body",
        [frames, going, value("before", [1, "N"])],
        [still, value("after", [1, "N"])],
    )
    return save(
        path,
        [helper.make_node("Loop", ["", "go", "audio"], ["audio_out"], body=body)],
        [value("audio", [1, "N"])],
        [value("audio_out", [1, "N"])],
        [("go", np.array(True)), ("zero", np.array(0.0, np.float32))],
        {"model_name": "endless", "is_input_mono": True, "is_output_mono": True},
    )
