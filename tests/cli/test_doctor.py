"""``neutone doctor``: what is there, and what to install."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import pytest

from neutone.cli.commands import doctor as command
from support.command_line import call


def findings() -> dict[str, dict[str, Any]]:
    result = call("doctor", "--json")
    assert result.exit_code == 0, result.output
    return {finding["name"]: finding for finding in json.loads(result.stdout)}


def test_what_is_there_has_its_version() -> None:
    found = findings()
    assert found["neutone"]["detail"].startswith(metadata.version("neutone"))
    assert found["extra onnx"]["detail"] == f"onnxruntime {metadata.version('onnxruntime')}"
    assert found["extra onnx"]["state"] == "ok"
    assert "torchscript" in found["backends"]["detail"]
    assert {"kernels", "JACK", "PortAudio", "real-time priority", "hosts", "exporters"} <= set(found)
    assert not {"extra dev", "extra test"} & set(found)


def test_what_is_missing_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def hidden(name: str) -> str:
        if name == "onnxruntime":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(command.metadata, "version", hidden)
    monkeypatch.setattr(command.ctypes.util, "find_library", lambda name: None)
    found = findings()
    assert found["extra onnx"]["state"] == "missing"
    assert found["extra onnx"]["detail"].startswith('onnxruntime: pip install "onnxruntime')
    assert found["JACK"]["state"] == "missing"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = call("doctor").stdout
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert metadata.version("numpy") in text
