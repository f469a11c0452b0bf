"""``export_onnx``: recurrent layers and state, which PyTorch's exporter alone gets wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neutone.errors import ModelFileError

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from neutone.sdk import export_onnx, quiet_torchscript  # noqa: E402
from support.exporting import Cached, Mono, Recurrent, check  # noqa: E402

pytestmark = pytest.mark.long

nn, Tensor = torch.nn, torch.Tensor

# -- recurrent layers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "layout", "layers", "options"),
    [
        *((kind, "time first", 1, {}) for kind in ("LSTM", "GRU", "RNN")),
        *((kind, "batch first", 2, {}) for kind in ("LSTM", "GRU", "RNN")),
        *((kind, "unbatched", 1, {}) for kind in ("LSTM", "GRU")),
        ("LSTM", "unbatched", 2, {"bias": False}),
        ("RNN", "unbatched", 2, {"nonlinearity": "relu"}),
    ],
)
def test_recurrent_layers_take_any_block(
    kind: str, layout: str, layers: int, options: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    report = check(Mono(Recurrent(kind, layout, layers, **options)), tmp_path)
    assert report.takes_any_block
    assert report.states == (("state.model.h", "state.model.c") if kind == "LSTM" else ("state.model.h",))
    nodes = [node.op_type for node in onnx.load(report.path).graph.node]
    assert nodes.count(kind) == layers
    assert "Loop" not in nodes
    assert "Scan" not in nodes


def test_a_recurrent_layer_without_a_state_starts_each_block_anew(tmp_path: Path) -> None:
    class Forgetful(Mono):
        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            return self.model(x.t()[:, None])[0][:, 0, :1].t()

    torch.manual_seed(0)
    assert check(Forgetful(nn.GRU(1, 3)), tmp_path).states == ()


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # PyTorch's own, at each run of one
@pytest.mark.parametrize(
    ("options", "reason"), [({"bidirectional": True}, "bidirectional nn.LSTM"), ({"proj_size": 1}, "projection")]
)
def test_recurrent_layers_that_onnx_or_streams_lack(options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    class Wrapped(Mono):
        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            return self.model(x.t()[:, None])[0][:, 0, :1].t()

    with pytest.raises(ModelFileError, match=reason):
        export_onnx(Wrapped(nn.LSTM(1, 3, **options)), tmp_path / "model.onnx")


# -- state -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "re-assigned"])
def test_buffers_of_submodules_become_state(in_place: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = check(Mono(nn.Sequential(Cached(in_place), nn.Tanh(), Cached(in_place))), tmp_path)
    assert report.states == ("state.model.0.cache", "state.model.2.cache")
    assert report.takes_any_block


def test_both_kinds_on_the_wrapper_itself(tmp_path: Path) -> None:
    class Both(Mono):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("level", torch.full((1,), 0.5))
            self.register_buffer("blocks", torch.zeros((), dtype=torch.int64))

        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            self.blocks += 1
            self.level = 0.9 * self.level + 0.1 * x.abs().mean()
            return x * self.level + self.blocks

    report = check(Both(), tmp_path)
    assert report.states == ("state.level", "state.blocks")
    values = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(report.path).graph.initializer}
    assert values["state.level"] == np.float32(0.5)  # its value when exported, not zero
    assert values["state.blocks"].dtype == np.int64


def test_state_inside_a_compiled_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with quiet_torchscript():
        network = torch.jit.script(Cached(in_place=True).eval())
    report = check(Mono(network), tmp_path)
    assert report.states == ("state.model.cache",)


@pytest.mark.parametrize("where", ["wrapper", "network"])
def test_state_in_a_plain_tensor_is_an_error_that_names_it(where: str, tmp_path: Path) -> None:
    class Loose(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.past = torch.zeros(1, 1)

        def forward(self, x: Any) -> Any:
            y = x + self.past
            self.past = y[:, -1:].clone()
            return y

    class Wrapper(Mono):
        def __init__(self) -> None:
            super().__init__(Loose() if where == "network" else None)
            self.memories = [torch.zeros(1, 1)]

        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            if where == "network":
                return self.model(x)
            self.memories[0].add_(1.0)
            return x + self.memories[0]

    name = r"'model\.past'" if where == "network" else r"'memories\[0\]'"
    with pytest.raises(ModelFileError, match=rf"attribute {name}.*register_buffer"):
        export_onnx(Wrapper(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
