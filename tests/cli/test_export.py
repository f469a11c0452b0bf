"""``neutone export`` and ``neutone validate``, and wrapped models by name on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import neutone
from neutone.cli.app import app
from support.command_line import assert_one_line, call
from support.places import TESTS

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from support.onnx_models import plain  # noqa: E402

pytestmark = pytest.mark.long

WRAPPERS = TESTS / "support" / "wrappers_by_name.py"


def checks(path: Path) -> dict[str, bool | None]:
    result = call("validate", path, "--json", "--seconds", "0.01")
    document = json.loads(result.stdout)
    assert (result.exit_code == 0) == document["passed"]
    return {check["name"]: check["passed"] for check in document["checks"]}


# -- export ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same model in both formats."""
    folder = tmp_path_factory.mktemp("exported")
    result = CliRunner().invoke(app, ["export", f"{WRAPPERS}:Echo", str(folder), "--format", "nm,onnx", "--samples"])
    assert result.exit_code == 0, result.output
    for words in ("48000/128", "saved equals in-memory", "FAILED"):
        assert (words in result.stdout) == (words != "FAILED")
    assert result.stderr == ""
    return folder


def test_export_both(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == ["metadata.json", "model.nm", "model.onnx", "samples"]
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 4000)).astype(np.float32)
    answers = [
        neutone.render(neutone.load(source), audio, 48_000, params={"level": 0.3})
        for source in (exported / "model.nm", exported / "model.onnx", f"{WRAPPERS}:Echo")
    ]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    np.testing.assert_allclose(answers[2], answers[0], atol=1e-5)


def test_export_with_a_checkpoint(tmp_path: Path) -> None:
    torch.save({"weight": torch.full((1, 1, 1), 0.5)}, tmp_path / "weights.pt")
    target = tmp_path / "out"
    result = call("export", f"{WRAPPERS}:Echo", target, "--format", "onnx", "--checkpoint", tmp_path / "weights.pt")
    assert result.exit_code == 0, result.output
    assert "any block size, 1 states" in result.stdout
    assert [path.name for path in target.iterdir()] == ["model.onnx"]
    audio = np.full((1, 8), 0.5, np.float32)
    assert neutone.render(neutone.load(target / "model.onnx"), audio, 48_000)[0, 0] == pytest.approx(0.25)


def test_export_shows_what_fails(tmp_path: Path) -> None:
    result = call("export", f"{WRAPPERS}:Late", tmp_path, "--no-benchmark")
    assert result.exit_code == 0
    assert "FAILED" in result.stdout
    assert result.stderr == ""
    assert (tmp_path / "model.nm").exists()
    strict = tmp_path / "strict"
    assert_one_line(
        call("export", f"{WRAPPERS}:Late", strict, "--strict"), "Late is not saved: delay: 0 frames reported"
    )
    assert not strict.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((f"{WRAPPERS}:Nothing",), "defines no 'Nothing'"),
        ((str(WRAPPERS),), "names no class"),
        (("missing.py:Echo",), "no Python file missing.py"),
        ((f"{WRAPPERS}:Echo", "--format", "nm,wav"), "--format is 'nm,wav'"),
        ((f"{WRAPPERS}:Echo", "--format", ","), "--format is ','"),
        ((f"{WRAPPERS}:Echo", "--checkpoint", "missing.pt"), "no checkpoint missing.pt"),
    ],
)
def test_export_of_something_else(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    name, *options = arguments
    assert_one_line(call("export", name, tmp_path / "out", *options), words)
    assert not (tmp_path / "out").exists()


def test_export_is_silent_but_for_what_it_says(tmp_path: Path) -> None:
    """Python's default filters and a process of its own: no deprecation warnings and no progress of the exporters
    appear."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    options = ("--format", "nm,onnx", "--no-benchmark")
    result = subprocess.run(
        [sys.executable, "-m", "neutone.cli", "export", f"{WRAPPERS}:Echo", tmp_path, *options],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "Warning" not in result.stdout


# -- names in other commands -------------------------------------------------------------------------------------------


def test_info_by_name() -> None:
    result = call("info", f"{WRAPPERS}:Echo")
    assert result.exit_code == 0, result.output
    assert "(python)" in result.stdout


# -- validate ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.nm", "model.onnx"])
def test_validate(exported: Path, name: str) -> None:
    result = call("validate", exported / name, "--seconds", "0.01")
    assert result.exit_code == 0, result.output
    assert "no check failed" in result.stdout
    for words in ("metadata", "96000/256 delay", "reported", "RTF"):
        assert words in result.stdout
    if name.endswith(".nm"):
        assert "offline equals online" in result.stdout
    else:
        assert "audio, params -> audio_out, next_state.past" in result.stdout
    assert result.stderr == ""


def test_validate_a_wrong_delay(tmp_path: Path) -> None:
    assert call("export", f"{WRAPPERS}:Late", tmp_path, "--format", "nm,onnx", "--no-benchmark").exit_code == 0
    for name in ("model.nm", "model.onnx"):
        found = checks(tmp_path / name)
        assert found["48000/64 delay"] is False
        assert found["48000/64 reset"] is True
    assert checks(tmp_path / "model.nm")["delay"] is False


def test_validate_a_reset_that_does_nothing(tmp_path: Path) -> None:
    assert call("export", f"{WRAPPERS}:Forgetful", tmp_path, "--no-benchmark").exit_code == 0
    result = call("validate", tmp_path / "model.nm", "--seconds", "0.01")
    assert result.exit_code == 2
    assert "checks failed" in result.stdout
    found = checks(tmp_path / "model.nm")
    assert found["reset"] is False
    assert found["48000/64 reset"] is False


def test_validate_a_model_without_a_reset(tmp_path: Path) -> None:
    assert call("export", f"{WRAPPERS}:NoReset", tmp_path, "--no-benchmark", "--samples", "--strict").exit_code == 0
    found = checks(tmp_path / "model.nm")
    assert found["reset"] is True
    assert found["48000/64 reset"] is True


def test_validate_onnx_without_metadata(tmp_path: Path) -> None:
    found = checks(plain(tmp_path / "plain.onnx", [1, "N"]))
    assert found["metadata"] is False


@pytest.mark.parametrize("name", ["garbage.nm", "garbage.onnx"])
def test_validate_garbage(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"garbage")
    found: dict[str, Any] = checks(tmp_path / name)
    assert found == {"loads": False}


def test_validate_nothing(tmp_path: Path) -> None:
    assert_one_line(call("validate", tmp_path / "nothing.nm"), "no model file")
    assert_one_line(call("validate", WRAPPERS), "expected .nm, .onnx, .ort, ")


def test_a_wrapper_file_that_ends_the_program(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys\nsys.exit(0)\n")
    assert_one_line(call("export", f"{tmp_path}/script.py:X", tmp_path / "out"), "SystemExit: 0")
