"""From ``.nm`` files to ONNX: what converts sounds the same wherever it is played, and what cannot is refused."""

from __future__ import annotations

import json
import lzma
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import ConfigurationError, ModelFileError, SandboxError
from neutone.sandbox import Limits, Protections, SandboxAnswer, available_protections, run_sandboxed
from support.command_line import call
from support.places import PEER_FILES

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
import onnx  # noqa: E402

from neutone.sdk import OnnxConversion, convert, convert_to_onnx  # noqa: E402
from neutone.sdk.received_onnx import check_contents  # noqa: E402
from neutone.sdk.script_comparison import compare_blocks  # noqa: E402
from neutone.sdk.script_conversion import ONNX_FILE, ScriptConversion  # noqa: E402
from support import hostile_scripts, nm_models  # noqa: E402

AVAILABLE = available_protections()
needs_both = pytest.mark.skipif(not AVAILABLE.is_complete, reason="this system has not both Landlock and seccomp")


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


def peer_file(name: str, folder: Path) -> Path:
    path = folder / f"{name}.nm"
    path.write_bytes(lzma.decompress((PEER_FILES / f"{name}.nm.xz").read_bytes()))
    return path


def convert_here(source: Path, **options: Any) -> OnnxConversion:
    """Without a sandbox: these files are ours, and PyTorch is loaded already."""
    return convert_to_onnx(source, source.with_suffix(".onnx"), sandbox=False, **options)


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def assert_sounds_the_same(source: Path, result: OnnxConversion, blocks: tuple[int, ...] = (32, 129, 512)) -> None:
    """Another judge than the converter's own: whole signals through engines, in blocks of several sizes."""
    original, converted = neutone.load(source), neutone.load(result.path)
    rng = np.random.default_rng(7)
    audio = rng.uniform(-0.5, 0.5, (1, 6000)).astype(np.float32)
    names = [parameter.name for parameter in original.metadata.parameters]
    assert [parameter.name for parameter in converted.metadata.parameters] == names
    curves = rng.random((len(names), audio.shape[1])).astype(np.float32)
    for block in blocks:
        outs = [
            neutone.render(model, audio, 48_000, params=curves if names else None, block_size=block)
            for model in (original, converted)
        ]
        np.testing.assert_allclose(outs[1], outs[0], atol=1e-4)
        assert np.abs(outs[0]).max() > 0.01


# -- what converts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "states", "operator", "block"),
    [("lstm_amp", 2, "LSTM", None), ("shaper", 0, "Tanh", None), ("lookbehind", 0, "Conv", 512)],
)
def test_files_of_the_peer(name: str, states: int, operator: str, block: int | None, tmp_path: Path) -> None:
    source = peer_file(name, tmp_path)
    result = convert_here(source)
    assert result.block_size == block
    assert len(result.states) == states
    assert operators(result.path).count(operator) == 1
    assert len(operators(result.path)) < 40
    assert result.blocks >= 50
    assert result.largest_difference < 1e-5
    assert result.path.stat().st_size < source.stat().st_size / 10
    assert_sounds_the_same(source, result)


@pytest.mark.parametrize(
    ("kind", "states", "operator"),
    [
        (nm_models.CachedTcn, 3, "Conv"),
        (nm_models.Gru, 1, "GRU"),
        (nm_models.ListOfState, 2, "Concat"),
        (nm_models.WholeNumbersInTensors, 2, "Where"),
        (nm_models.Gate, 0, "Where"),
    ],
)
def test_models_that_take_any_block(kind: Any, states: int, operator: str, tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", kind())
    result = convert_here(source)
    assert (result.block_size, result.reason) == (None, "")
    assert len(result.states) == states
    assert operator in operators(result.path)
    assert_sounds_the_same(source, result)


@pytest.mark.parametrize("sizes", [[], [512]])
def test_a_look_behind_queue_that_counts(sizes: list[int], tmp_path: Path) -> None:
    source = nm_models.save(
        tmp_path / "m.nm", nm_models.QueuedLookBehind(), look_behind_samples=24, native_buffer_sizes=sizes
    )
    result = convert_here(source)
    assert result.states == ("state.past_params",)  # the stream keeps that of the audio
    assert result.block_size == (512 if sizes else None)
    assert neutone.load(result.path).metadata.look_behind_samples == 24
    assert_sounds_the_same(source, result)


@pytest.mark.parametrize("kind", [nm_models.ByBlock, nm_models.RingOfBlocks])
def test_models_that_need_one_block_size(kind: Any, tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", kind())
    result = convert_here(source)
    assert result.block_size == 512
    assert result.reason
    assert neutone.load(result.path).metadata.native_buffer_sizes == [512]
    assert convert_here(source, block_size=64).block_size == 64
    assert convert_here(source, block_size=64).reason == ""
    assert neutone.load(result.path).metadata.native_buffer_sizes == [64]


def test_a_listed_block_size_is_the_default(tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", nm_models.ByBlock(), native_buffer_sizes=[128, 1024])
    assert convert_here(source).block_size == 128
    source = nm_models.save(tmp_path / "m.nm", nm_models.CachedTcn(), native_buffer_sizes=[128, 1024])
    result = convert_here(source)
    assert result.block_size is None
    assert neutone.load(result.path).metadata.native_buffer_sizes == [128, 1024]
    with pytest.raises(ConfigurationError, match="512"):
        convert_here(source, block_size=512)


def test_a_model_that_adapts_to_its_rate_keeps_one(tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", nm_models.ByRate(), native_sample_rates=[])
    result = convert_here(source)
    assert result.sample_rate == 48_000
    assert convert_here(source, sample_rate=44_100).sample_rate == 44_100
    assert neutone.load(result.path).metadata.native_sample_rates == [44_100]
    session = neutone.load(result.path).prepare(44_100, 4)
    session.audio_in[:] = 1.0
    session.run(4)
    np.testing.assert_allclose(session.audio_out, 1000.0 / 44_100, rtol=1e-6)
    with pytest.raises(ConfigurationError, match="44100"):
        convert_here(nm_models.save(tmp_path / "m.nm", nm_models.ByRate()), sample_rate=44_100)


def test_a_model_that_does_not_keeps_all(tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", nm_models.Gate(), native_sample_rates=[])
    assert convert_here(source).sample_rate is None
    assert neutone.load(source.with_suffix(".onnx")).metadata.native_sample_rates == []


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (nm_models.BranchOnAudio, r"a branch or a size depends on the audio.*nm_models\.py, line \d+"),
        (nm_models.BranchOnState, r"a branch or a size depends on the audio.*nm_models\.py, line \d+"),
        (nm_models.CountsBlocks, r"'blocks' changes from block to block \(0, then 1\)"),
        (nm_models.Ring, r"'position' changes from block to block"),
        (nm_models.NoneAtFirst, r"'past' holds other things .*None, then a tensor"),
        (nm_models.Noise, r"draws random numbers by aten::\w+"),
        (nm_models.SeldomNoise, r"draws random numbers by aten::rand"),
        (nm_models.OneTensorTwice, r"'\w+' and '\w+' are one tensor, which blocks change"),
        (nm_models.LoopOverFrames, r"a loop over frames .*nm_models\.py, line \d+"),
        (nm_models.Bidirectional, "bidirectional"),
        (nm_models.NoCounterpart, "bessel_j0"),
    ],
)
def test_models_that_cannot_be_converted(kind: Any, reason: str, tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", kind())
    neutone.load(source).prepare(48_000, 64)  # there is nothing wrong with the file
    (tmp_path / "m.onnx").write_bytes(b"an earlier file")
    with pytest.raises(ModelFileError, match=reason):
        convert_here(source)
    assert (tmp_path / "m.onnx").read_bytes() == b"an earlier file"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.nm", "m.onnx"]


def test_the_comparison_can_tell(tmp_path: Path) -> None:
    torch.manual_seed(1)
    one = nm_models.save(tmp_path / "one.nm", nm_models.CachedTcn())
    torch.manual_seed(2)
    other = nm_models.save(tmp_path / "other.nm", nm_models.CachedTcn())
    result = convert_here(one)
    assert compare_blocks(one, result.path, 48_000, [64] * 50) < 1e-5
    with pytest.raises(ModelFileError, match="differs from the file by"):
        compare_blocks(other, result.path, 48_000, [64] * 50)


@pytest.mark.parametrize("names", [("m.ts", "m.onnx"), ("m.nm", "m.ort"), ("m.onnx", "m.onnx")])
def test_names_that_are_not_meant(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is no \.nm file|does not end in \.onnx"):
        convert_to_onnx(tmp_path / names[0], tmp_path / names[1])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.nm"):
        convert_to_onnx(tmp_path / "no.nm", tmp_path / "m.onnx")


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


def source_for(folder: Path) -> Path:
    """A file whose metadata are read, and which is never opened further."""
    with zipfile.ZipFile(folder / "m.nm", "w") as archive:
        archive.writestr("m/extra/metadata.json", '{"model_name": "m"}')
    return folder / "m.nm"


def taken_over(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], value: Any = "as it should be") -> None:
    """The file's code has taken over the sandboxed process, and sends this."""
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


# -- in the sandbox ----------------------------------------------------------------------------------------------------


def test_convert_on_the_command_line(tmp_path: Path) -> None:
    source, target = peer_file("lstm_amp", tmp_path), tmp_path / "amp.onnx"
    result = call("convert", source, target)
    assert result.exit_code == 0, result.output
    assert f"wrote {target}: any block size, 2 states, largest difference from lstm_amp.nm" in result.stdout
    assert f"sandbox: {AVAILABLE.describe()}; 120 s, 4096 MiB" in result.stderr
    assert neutone.load(target).metadata.model_name == "peer"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["amp.onnx", "lstm_amp.nm"]


@needs_both
@pytest.mark.parametrize("protections", [Protections(0, True), Protections(AVAILABLE.landlock_abi, False)])
def test_convert_with_one_protection(protections: Protections, tmp_path: Path) -> None:
    source = peer_file("shaper", tmp_path)
    arguments = {"source": str(source), "sample_rate": None, "block_size": None}
    answer = run_sandboxed(
        "neutone.sdk.script_conversion:convert_in_sandbox",
        arguments,
        readable=[source],
        modules=convert.MODULES,
        protections=protections,
    )
    check_contents(answer.files[ONNX_FILE])
    assert answer.value["largest_difference"] < 1e-5


def test_a_fixed_block_on_the_command_line(tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", nm_models.ByBlock())
    result = call("convert", source, tmp_path / "m.onnx")
    assert result.exit_code == 0, result.output
    assert "blocks of 512 frames" in result.stdout
    assert "the block size is fixed: " in result.stdout


def test_refusals_on_the_command_line(tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", nm_models.BranchOnAudio())
    result = call("convert", source, tmp_path / "m.onnx")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "nm_models.py, line" in result.stderr
    assert not (tmp_path / "m.onnx").exists()


METADATA = json.dumps({"model_name": "evil"})


@needs_both
@pytest.mark.parametrize("command", ["convert", "validate"])
def test_a_file_that_attacks(command: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("something of the user's, 40 bytes or more\n")
    source = hostile_scripts.save(tmp_path / "evil.nm", hostile_scripts.WritesFile(str(victim)), METADATA)
    arguments = [source, tmp_path / "evil.onnx"] if command == "convert" else [source, "--sandbox"]
    result = call(command, *arguments)
    assert result.exit_code == 2
    assert "victim.txt" in result.output
    assert "ermission denied" in result.output
    assert victim.read_text().startswith("something")
    assert not (tmp_path / "evil.onnx").exists()
    assert call("validate", source).exit_code == 2
    assert victim.read_text().startswith("BBBB")  # without the sandbox it does write


def test_a_file_that_never_ends(tmp_path: Path) -> None:
    source = hostile_scripts.save(tmp_path / "loop.nm", hostile_scripts.Loops(""), METADATA)
    with pytest.raises(SandboxError, match="time limit of 10 s"):
        convert_to_onnx(source, tmp_path / "m.onnx", limits=Limits(seconds=10))
    result = call("validate", source, "--sandbox", "--time-limit", "10")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("neutone: the file took longer than the time limit of 10 s")


# -- neutone validate --sandbox ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nm", ".onnx"])
def test_validate_in_the_sandbox(suffix: str, tmp_path: Path) -> None:
    file = peer_file("shaper", tmp_path)
    if suffix == ".onnx":
        file = convert_here(file).path
    inside, outside = (
        json.loads(call("validate", file, "--json", "--seconds", "0.01", *option).stdout)
        for option in (["--sandbox"], [])
    )
    assert inside["file"] == outside["file"]
    assert [check["name"] for check in inside["checks"]] == [check["name"] for check in outside["checks"]]
    assert [check["passed"] for check in inside["checks"] if "speed" not in check["name"]] == [
        check["passed"] for check in outside["checks"] if "speed" not in check["name"]
    ]
    shown = call("validate", file, "--sandbox", "--seconds", "0.01")
    assert "48000/64 delay" in shown.stdout
    assert f"sandbox: {AVAILABLE.describe()}" in shown.stderr


def test_checks_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_for(tmp_path)
    for value in (None, [], [1], [{"name": "a", "passed": "yes", "detail": ""}], [{"name": 1}]):
        answer = SandboxAnswer(value, {}, AVAILABLE)
        monkeypatch.setattr("neutone.sandbox.run_sandboxed", lambda *_, answer=answer, **__: answer)
        result = call("validate", source, "--sandbox")
        assert result.exit_code == 2
        assert "no list of checks" in result.stderr
