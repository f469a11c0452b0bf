"""The commands of README.md work in the order given, and its Quick start prints what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import soundfile

from support.command_line import call
from support.places import ROOT
from support.processes import run_python

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for language, text in BLOCKS
    for line in text.splitlines()
    if language == "sh" and line.startswith("neutone ")
]


def test_the_quick_start_prints_what_it_says() -> None:
    pytest.importorskip("onnxruntime")
    (shown,) = (text for language, text in BLOCKS if not language)
    assert run_python(PYTHON[0]) == shown.strip()


@pytest.mark.long
def test_the_commands_work_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnxruntime", "onnxscript", "torch"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    assert call("demo", "--output", "neutone-demo").exit_code == 0
    Path("my_model.py").write_text(PYTHON[1], encoding="utf-8")
    commands = [command for command in COMMANDS if command[0] != "live"]
    assert [command[0] for command in commands] == ["render", "render", "export"]
    for command in commands:
        result = call(*command)
        assert result.exit_code == 0, f"{command}: {result.output}"
    dry = soundfile.info("neutone-demo/dry.wav")
    assert [soundfile.info(path).frames for path in ("out.wav", "clipped.wav")] == [dry.frames] * 2
    assert {path.name for path in Path("exported").iterdir()} >= {"model.nm", "model.onnx"}
