"""Tables in narrow terminals: no number is cut, and no line is wider than the terminal."""

from __future__ import annotations

import json
import re

import pytest

from support.command_line import call

pytest.importorskip("onnxruntime")

WIDTHS = [60, 80, 120]


def shown(monkeypatch: pytest.MonkeyPatch, width: int, *command: str) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    text = call(*command).stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.mark.parametrize("width", WIDTHS)
def test_bench(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, width, "bench", "amp", "--seconds", "0.01")
    for host in ("44100/2048", "96000/64"):
        (line,) = (line for line in text.splitlines() if f" {host} " in line)
        assert len(re.findall(r"\d+\.\d{4}$", line.strip())) == 1  # the RTF with all its digits
    assert ("48000/any" in text) == (width >= 80)


@pytest.mark.parametrize("width", WIDTHS)
def test_info_and_validate(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "44100/1024   48000/any    32 + 0 + 0        32   0.7" in shown(monkeypatch, width, "info", "amp")
    assert "44100/512 delay" in shown(monkeypatch, width, "validate", "amp", "--seconds", "0.01")


@pytest.mark.parametrize("width", WIDTHS)
def test_plugins(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, width, "plugins")
    for plugin in json.loads(call("plugins", "--json").stdout):
        assert re.search(rf"\b{plugin['name']}\b", text)
        assert plugin["version"] in text
