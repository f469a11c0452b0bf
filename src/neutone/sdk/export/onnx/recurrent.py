"""Export recurrent layers as single ONNX nodes.

The exporter unrolls ``nn.LSTM``, ``nn.GRU`` and ``nn.RNN`` over time and thereby fixes the number of frames. ONNX has
operators for whole sequences; within :func:`recurrent_layers_as_nodes`, these layers emit them.
PyTorch orders the gates of an LSTM as i f g o and those of a GRU as r z n; ONNX orders them as i o f c and z r h (ONNX
operator reference, LSTM and GRU).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neutone.errors import ModelFileError

ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}


def _reordered(tensor: Tensor, kind: str) -> Tensor:
    gates = tensor.chunk(len(ORDER[kind]), dim=0)
    return torch.cat([gates[index] for index in ORDER[kind]], dim=0)


def _bias(layer: Any, name: str, kind: str, like: Tensor) -> Tensor:
    bias = getattr(layer, name) if layer.bias else torch.zeros(like.shape[0])
    return _reordered(bias, kind)


def _node(layer: Any, kind: str, index: int, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
    """Emit one layer of the stack.
    Takes x (T, B, I) and each state (1, B, H), and returns [y (T, B, H), state, ...]."""
    input_weight = getattr(layer, f"weight_ih_l{index}")
    hidden_weight = getattr(layer, f"weight_hh_l{index}")
    bias = torch.cat(
        [
            _bias(layer, f"bias_ih_l{index}", kind, input_weight),
            _bias(layer, f"bias_hh_l{index}", kind, hidden_weight),
        ]
    )
    attributes: dict[str, Any] = {"hidden_size": layer.hidden_size}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    if kind == "RNN" and layer.nonlinearity == "relu":
        attributes["activations"] = ["Relu"]
    frames, batch, hidden = x.shape[0], x.shape[1], layer.hidden_size
    outputs = torch.onnx.ops.symbolic_multi_out(
        kind,
        [
            x,
            _reordered(input_weight, kind).unsqueeze(0),
            _reordered(hidden_weight, kind).unsqueeze(0),
            bias.unsqueeze(0),
            None,
            *states,
        ],
        attrs=attributes,
        dtypes=[x.dtype] * (1 + len(states)),
        shapes=[(frames, 1, batch, hidden), *[(1, batch, hidden)] * len(states)],
        version=14,
    )
    return [outputs[0].squeeze(1), *outputs[1:]]


def _check(layer: Any, kind: str) -> None:
    if layer.bidirectional:
        raise ModelFileError(f"a bidirectional nn.{kind} looks into the future: it cannot run block by block")
    if getattr(layer, "proj_size", 0):
        raise ModelFileError(f"nn.{kind} with proj_size={layer.proj_size} has no counterpart in ONNX")


def _forward(kind: str) -> Any:
    def forward(self: Any, input: Tensor, hx: Any = None) -> Any:  # PyTorch's name for the argument
        _check(self, kind)
        is_batched = input.dim() == 3
        x = input if is_batched else input.unsqueeze(1)
        if is_batched and self.batch_first:
            x = x.transpose(0, 1)
        count = 2 if kind == "LSTM" else 1
        if hx is None:
            given = [x.new_zeros(self.num_layers, x.shape[1], self.hidden_size)] * count
        else:
            given = list(hx) if kind == "LSTM" else [hx]
            given = [state if is_batched else state.unsqueeze(1) for state in given]
        finals: list[list[Tensor]] = [[] for _ in range(count)]
        for index in range(self.num_layers):
            x, *after = _node(self, kind, index, x, [state[index : index + 1] for state in given])
            for final, state in zip(finals, after, strict=True):
                final.append(state)
        states = [torch.cat(final, dim=0) if len(final) > 1 else final[0] for final in finals]
        if not is_batched:
            x, states = x.squeeze(1), [state.squeeze(1) for state in states]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, tuple(states) if kind == "LSTM" else states[0]

    return forward


def recurrent_node(kind: str, layer: Any, x: Tensor, states: Any) -> Any:
    """Return what a recurrent layer returns, as ONNX nodes.

    Args:
        kind: ``"LSTM"``, ``"GRU"`` or ``"RNN"``.
        layer: An ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, or an object with its attributes.
        x: The sequence, in the layout that the layer takes.
        states: The hidden state; for an LSTM the pair (h, c).

    Raises:
        neutone.errors.ModelFileError: The layer is bidirectional or has a projection.
    """
    return _forward(kind)(layer, x, states)


@contextmanager
def recurrent_layers_as_nodes() -> Iterator[None]:
    """Make PyTorch's recurrent layers exportable during the ``with`` block. They cannot compute anything in it."""
    layers: dict[Any, str] = {nn.LSTM: "LSTM", nn.GRU: "GRU", nn.RNN: "RNN"}
    before = {layer: layer.forward for layer in layers}
    try:
        for layer, kind in layers.items():
            layer.forward = _forward(kind)
        yield
    finally:
        for layer, forward in before.items():
            layer.forward = forward
