"""The ways to name a model: a file, a model that comes with neutone, a class, and several in a row."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import neutone
from support.command_line import call


def test_the_amp_has_a_name_in_the_library_too(tmp_path, monkeypatch):
    assert neutone.load("amp").metadata == neutone.load(neutone.default_model()).metadata
    assert neutone.inspect("amp").metadata.model_name == "Neutone Amp"
    monkeypatch.chdir(tmp_path)
    Path("amp").write_bytes(b"a file of the user's")
    with pytest.raises(neutone.errors.UnknownPluginError, match="'amp'"):
        neutone.load("amp")


def test_python_m_neutone_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "neutone", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"neutone {neutone.__version__}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell):
    words = {"COMP_WORDS": "neutone re", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "neutone re"}
    variables = {"_NEUTONE_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **words}
    program = "import sys; sys.argv = ['neutone']; from neutone.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert "render" in done.stdout
    assert "validate" not in done.stdout


def checks_of(*arguments):
    result = call("validate", "--seconds", 0.01, "--json", *arguments)
    return result, {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_validate_takes_the_names_that_other_commands_take():
    result, checks = checks_of("amp")
    assert result.exit_code == 0
    assert checks["inputs and outputs"]["passed"]
    result, checks = checks_of("amp+amp")
    assert result.exit_code == 0
    assert checks["amp.onnx: loads"]["passed"]
    assert checks["48000/64 speed"]["passed"]


def test_validate_passes_options_to_the_backend():
    assert checks_of("amp", "-o", "threads=1")[0].exit_code == 0
    result = call("validate", "amp", "-o", "sparkle=3")
    assert result.exit_code == 2
    assert "no option 'sparkle'" in result.stderr


def test_validate_takes_a_class(tmp_path):
    pytest.importorskip("torch")
    wrapper = Path(__file__).parents[2] / "examples" / "wrappers" / "clipper.py"
    names = [line.split()[1].split("(")[0] for line in wrapper.read_text().splitlines() if line.startswith("class ")]
    _, checks = checks_of(f"{wrapper}:{names[-1]}")
    assert checks["loads"]["passed"]


def test_info_shows_a_chain():
    document = json.loads(call("info", "amp+amp", "--json").stdout)
    assert [parameter["name"] for parameter in document["parameters"]] == ["drive_1", "tone_1", "drive_2", "tone_2"]
    assert document["backend"] == "onnx + onnx"
