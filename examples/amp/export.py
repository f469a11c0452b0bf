"""Write the network as an ONNX graph, node by node, so that the file is small, readable and always the same.

The layout is neutone's for streaming models: `audio` and `params` of any length N, and an input and an output for each
state tensor. The initial value of the state is an initializer with the name of the input, which a caller may override.
"""

import json
import math
import os
import time
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .network import KNOBS, AmpNetwork
from .simulator import DRIVE_RANGE_DB
from .strings import SAMPLE_RATE

OPSET = 18
IR_VERSION = 8
# PyTorch orders the gates input, forget, cell, output; ONNX orders them input, output, forget, cell.
_ONNX_GATES = (0, 3, 1, 2)


def _reorder_gates(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    gates = np.split(weights, 4)
    return np.concatenate([gates[gate] for gate in _ONNX_GATES])


def _weights(network: AmpNetwork) -> dict[str, NDArray[np.float32]]:
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    biases = [_reorder_gates(state["lstm.bias_ih_l0"]), _reorder_gates(state["lstm.bias_hh_l0"])]
    return {
        "lstm.input_weights": _reorder_gates(state["lstm.weight_ih_l0"])[None],
        "lstm.recurrent_weights": _reorder_gates(state["lstm.weight_hh_l0"])[None],
        "lstm.biases": np.concatenate(biases)[None],
        "output.weights": state["output.weight"],
        "skip.weights": state["skip.weight"],
        "drive.nepers": np.array([math.log(10.0) * DRIVE_RANGE_DB / 20.0], dtype=np.float32),
        "state.h": np.zeros((1, 1, network.hidden_size), dtype=np.float32),
        "state.c": np.zeros((1, 1, network.hidden_size), dtype=np.float32),
    }


def _knob(name: str, description: str) -> dict[str, object]:
    return {
        "name": name,
        "description": description,
        "default_value": 0.5,
        "used": True,
        "type": "continuous",
        "min_value": 0.0,
        "max_value": 1.0,
    }


def amp_metadata(network: AmpNetwork, measured_esr: str) -> dict[str, object]:
    """Return what a host shows and needs to know, with the keys of neutone's metadata.json."""
    try:
        sdk_version = version("neutone")
    except PackageNotFoundError:
        sdk_version = "0.1.0"
    return {
        "model_name": "Neutone Amp",
        "model_authors": ["neutone contributors"],
        "model_short_description": "A small neural guitar amp: diode distortion with drive and tone.",
        "model_long_description": (
            "An LSTM that has learnt a simulated guitar distortion circuit, from clean to fuzz."
            " Feed it a guitar straight from the instrument. It runs at 48 kHz on any block size and adds no"
            " latency beyond the circuit's own filters. Weights and training code are under the MIT licence."
        ),
        "technical_description": (
            f"One LSTM layer of {network.hidden_size} units with a skip connection,"
            f" {network.free_parameters()} parameters, trained on a simulated diode clipper"
            " (BDF2 and Newton's method, 8 times oversampled) with a one-pole tone control."
            f" Error-to-signal ratio on held-out guitar and knob settings: {measured_esr}."
        ),
        "technical_links": {},
        "tags": ["guitar", "amp", "distortion", "overdrive", "LSTM"],
        "model_version": "1.0.0",
        "citation": (
            'Circuit: Yeh, Abel, Smith, "Simplified, physically-informed models of distortion and overdrive'
            ' guitar effects pedals", DAFx-07. Network: Wright et al., "Real-Time Guitar Amplifier Emulation'
            ' with Deep Learning", Applied Sciences 10(3), 2020.'
        ),
        "is_experimental": False,
        "wet_default_value": 1.0,
        "dry_default_value": 0.0,
        "input_gain_default_value": 0.5,
        "output_gain_default_value": 0.5,
        "native_sample_rates": [SAMPLE_RATE],
        "native_buffer_sizes": [],
        "sdk_version": sdk_version,
        "pytorch_version": torch.__version__.split("+")[0],
        "date_created": float(os.environ.get("SOURCE_DATE_EPOCH", int(time.time()))),
        "sample_sound_files": [],
        "neutone_parameters": {
            "p1": _knob("drive", "Gain into the diodes, 0 to 40 dB"),
            "p2": _knob("tone", "Dark to bright: low-pass from 600 Hz to 12 kHz"),
        },
        "is_input_mono": True,
        "is_output_mono": True,
        "model_type": "mono-mono",
        "look_behind_samples": 0,
    }


def export_amp(network: AmpNetwork, measured_esr: str) -> onnx.ModelProto:
    """Return the network and its metadata as a checked ONNX model."""
    hidden = network.hidden_size
    nodes = [
        helper.make_node("Split", ["params", "knob_rows"], ["drive", "tone"], axis=0),
        helper.make_node("Mul", ["drive", "drive.nepers"], ["log_gain"]),
        helper.make_node("Exp", ["log_gain"], ["gain"]),
        helper.make_node("Mul", ["audio", "gain"], ["driven"]),
        helper.make_node("Tanh", ["driven"], ["knee"]),
        helper.make_node("Asinh", ["driven"], ["compressed"]),
        helper.make_node("Concat", ["audio", "knee", "compressed"], ["features"], axis=0),
        helper.make_node("Concat", ["features", "drive", "tone"], ["rows"], axis=0),
        helper.make_node("Transpose", ["rows"], ["frames"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["frames", "batch_axis"], ["sequence"]),
        helper.make_node(
            "LSTM",
            [
                "sequence",
                "lstm.input_weights",
                "lstm.recurrent_weights",
                "lstm.biases",
                "",
                "state.h",
                "state.c",
            ],
            ["sequence_out", "next_state.h", "next_state.c"],
            hidden_size=hidden,
        ),
        # (N, direction, batch, hidden) -> (N, hidden); then both linear layers as (1, K) x (K, N).
        helper.make_node("Squeeze", ["sequence_out", "direction_and_batch_axes"], ["hidden"]),
        helper.make_node("Gemm", ["output.weights", "hidden"], ["from_lstm"], transB=1),
        helper.make_node("Gemm", ["skip.weights", "features", "from_lstm"], ["audio_out"]),
    ]
    for node in nodes:
        node.name = node.output[0]
    constants: dict[str, NDArray[np.int64]] = {
        "knob_rows": np.ones(KNOBS, dtype=np.int64),
        "batch_axis": np.array([1], dtype=np.int64),
        "direction_and_batch_axes": np.array([1, 2], dtype=np.int64),
    }
    initializers = [numpy_helper.from_array(value, name) for name, value in (constants | _weights(network)).items()]
    state_shape = [1, 1, hidden]

    def value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "neutone_amp",
        inputs=[
            value("audio", [1, "N"]),
            value("params", [KNOBS, "N"]),
            value("state.h", [*state_shape]),
            value("state.c", [*state_shape]),
        ],
        outputs=[
            value("audio_out", [1, "N"]),
            value("next_state.h", [*state_shape]),
            value("next_state.c", [*state_shape]),
        ],
        initializer=initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="neutone"
    )
    helper.set_model_props(model, {"neutone": json.dumps(amp_metadata(network, measured_esr))})
    onnx.checker.check_model(model, full_check=True)
    return model
