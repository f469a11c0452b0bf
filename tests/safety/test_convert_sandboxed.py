"""``neutone convert`` and ``validate --sandbox``: the file runs without rights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import neutone
from neutone.errors import SandboxError
from neutone.sandbox import Limits, Protections, SandboxAnswer, run_sandboxed
from support.command_line import call

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from neutone.sdk import convert_to_onnx  # noqa: E402
from neutone.sdk.convert import convert  # noqa: E402
from neutone.sdk.convert.received_onnx import check_contents  # noqa: E402
from neutone.sdk.convert.script_conversion import ONNX_FILE  # noqa: E402
from support import hostile_scripts, nm_models  # noqa: E402
from support.conversion import convert_here, source_for  # noqa: E402
from support.peer_files import peer_file  # noqa: E402
from support.protections import AVAILABLE, needs_both  # noqa: E402

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


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
        "neutone.sdk.convert.script_conversion:convert_in_sandbox",
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
    assert victim.read_text().startswith("BBBB")  # without the sandbox, the file's code does write


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
        assert "not a list of checks" in result.stderr
