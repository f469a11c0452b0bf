"""Tables in narrow terminals: no number is cut, and no line is wider than the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

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


BIG = """
import torch
from neutone import ModelMetadata
from neutone.sdk import WaveformToWaveformBase

class Big(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="Big", native_buffer_sizes=[1024], native_sample_rates=[48000])

    def do_forward_pass(self, x, params):
        for _ in range(50):
            x = torch.tanh(x)
        return x
"""


@pytest.mark.parametrize("width", [60, 100])
def test_bench_shows_what_a_model_block_costs(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most blocks of 64 frames only queue, so their median says nothing about a model of 1024."""
    pytest.importorskip("torch")
    (tmp_path / "big.py").write_text(BIG)
    command = ("bench", f"{tmp_path / 'big.py'}:Big", "--seconds", "0.02")
    text = shown(monkeypatch, width, *command)
    (line,) = (line for line in text.splitlines() if " 48000/64 " in line)
    assert re.search(r"\d+, +\d+ %$", line.strip())
    for row in json.loads(call(*command, "--json").stdout)["results"]:
        runs_in_every_block = row["block_size"] * 48_000 >= 1024 * row["sample_rate"]
        assert (row["model_block_us"] is None) == runs_in_every_block
        if row["block_size"] == 64:
            assert row["model_block_us"] > 3.0 * row["median_us"]
