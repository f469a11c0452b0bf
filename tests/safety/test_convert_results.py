"""The result of a conversion in the sandbox is not trusted: it is ONNX within limits, or it is refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neutone.errors import ModelFileError, SandboxError
from neutone.sandbox import Limits, SandboxAnswer

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
import onnx  # noqa: E402

from neutone.sdk import convert_to_onnx  # noqa: E402
from neutone.sdk.convert import convert  # noqa: E402
from neutone.sdk.convert.received_onnx import check_contents  # noqa: E402
from neutone.sdk.convert.script_conversion import ONNX_FILE, ScriptConversion  # noqa: E402
from support import nm_models  # noqa: E402
from support.conversion import convert_here, source_for  # noqa: E402
from support.protections import AVAILABLE, needs_both  # noqa: E402

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


# -- what comes out of the sandbox -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = nm_models.save(tmp_path_factory.mktemp("honest") / "m.nm", nm_models.Gate())
    return convert_here(source).path.read_bytes()


def external_weights(model: Any) -> None:
    tensor = model.graph.initializer.add(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_weights_in_a_node(model: Any) -> None:
    attribute = model.graph.node.add(op_type="Constant", output=["w"]).attribute.add(name="value", type=4)
    attribute.t.data_type = 1
    attribute.t.data_location = onnx.TensorProto.EXTERNAL
    attribute.t.external_data.add(key="location", value="/etc/passwd")


def foreign_operator_in_a_branch(model: Any) -> None:
    attribute = model.graph.node.add(op_type="If").attribute.add(name="then_branch", type=5)
    attribute.g.node.add(op_type="Anything", domain="com.example")


def foreign_domain(model: Any) -> None:
    model.opset_import.add(domain="com.microsoft", version=1)


def function(model: Any) -> None:
    model.functions.add(name="Anything", domain="")


def other_metadata(model: Any) -> None:
    model.metadata_props.add(key="session.config", value="1")


def no_metadata(model: Any) -> None:
    del model.metadata_props[:]


def metadata_beyond_limits(model: Any) -> None:
    model.metadata_props[0].value = json.dumps({"model_name": "x" * 1000})


TRICKS = [
    (external_weights, "another file"),
    (external_weights_in_a_node, "another file"),
    (foreign_operator_in_a_branch, "com.example"),
    (foreign_domain, "com.microsoft"),
    (function, "more than ONNX's own"),
    (other_metadata, "metadata"),
    (no_metadata, "metadata"),
    (metadata_beyond_limits, "model_name"),
]


@pytest.mark.parametrize(("trick", "reason"), TRICKS)
def test_results_that_are_refused(
    trick: Any, reason: str, honest: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_contents(honest)
    model = onnx.load_model_from_string(honest)
    trick(model)
    taken_over(monkeypatch, {ONNX_FILE: model.SerializeToString()})
    with pytest.raises(ModelFileError, match=reason):
        convert_to_onnx(source_for(tmp_path), tmp_path / "m.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["m.nm"]


@pytest.mark.parametrize("files", [{}, {ONNX_FILE: b"\xff\x00nonsense"}, {ONNX_FILE: b"", "other": b""}])
def test_results_that_are_no_onnx(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_over(monkeypatch, files)
    with pytest.raises(ModelFileError, match="did not produce an ONNX file"):
        convert_to_onnx(source_for(tmp_path), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("value", [None, {}, {"blocks": 1}, [1], "sample_rate", "largest_difference"])
def test_a_report_that_is_none(value: Any, honest: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(value, str):
        value = {**asdict(ScriptConversion([], None, None, "", 60, 0.0)), value: "text"}
    taken_over(monkeypatch, {ONNX_FILE: honest}, value)
    with pytest.raises(ModelFileError, match="without a report"):
        convert_to_onnx(source_for(tmp_path), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def taken_over(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], value: Any = "as it should be") -> None:
    """Replace the sandbox by one whose process was taken over by the file's code, and returns this."""
    if value == "as it should be":
        value = asdict(ScriptConversion([], None, None, "", 60, 0.0))
    answer = SandboxAnswer(value, files, AVAILABLE)
    monkeypatch.setattr(convert, "run_sandboxed", lambda *arguments, **options: answer)


@needs_both
def test_a_result_that_takes_all_memory(honest: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime computes constants while it loads a file."""
    model = onnx.load_model_from_string(honest)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1 << 20, 1 << 14]), "shape"))
    value = onnx.numpy_helper.from_array(np.ones(1, np.float32))
    model.graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["shape"], ["large"], value=value))
    model.graph.node.insert(1, onnx.helper.make_node("ReduceMax", ["large"], ["one"], keepdims=0))
    model.graph.node.insert(2, onnx.helper.make_node("Mul", ["audio", "one"], ["louder"]))
    for node in list(model.graph.node)[3:]:
        for index, name in enumerate(node.input):
            if name == "audio":
                node.input[index] = "louder"
    contents = model.SerializeToString()
    check_contents(contents)
    real = convert.run_sandboxed
    report = asdict(ScriptConversion([], None, None, "", 60, 0.0))
    answers = {"convert_in_sandbox": SandboxAnswer(report, {ONNX_FILE: contents}, AVAILABLE)}

    def run(function: str, *arguments: Any, **options: Any) -> SandboxAnswer:
        return answers.get(function.partition(":")[2]) or real(function, *arguments, **options)

    monkeypatch.setattr(convert, "run_sandboxed", run)
    with pytest.raises((SandboxError, ModelFileError)):
        convert_to_onnx(source_for(tmp_path), tmp_path / "m.onnx", limits=Limits(memory_mb=1024))
    assert not (tmp_path / "m.onnx").exists()
    answers["convert_in_sandbox"] = SandboxAnswer(report, {ONNX_FILE: honest}, AVAILABLE)
    convert_to_onnx(source_for(tmp_path), tmp_path / "m.onnx", limits=Limits(memory_mb=1024))
