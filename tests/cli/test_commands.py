"""The command line: what its commands print, and that every failure is one line and exit code 2."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import neutone
from support.command_line import assert_one_line, call, read, run, write_noise

pytest.importorskip("onnxruntime")


# -- all commands ------------------------------------------------------------------------------------------------------


def test_version_and_help_in_a_process() -> None:
    version = run("--version")
    assert version.returncode == 0
    assert version.stdout == f"neutone {neutone.__version__}\n"
    result = run("--help")
    assert result.returncode == 0
    for command in ("demo", "info", "render", "plugins", "bench"):
        assert command in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from neutone.cli.app import app; "
        "print([m for m in ('torch', 'onnxruntime', 'soundfile', 'matplotlib', 'pydantic') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["info"], ["render", "amp"], ["bench", "amp", "--seconds", "x"]])
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.long
def test_no_escape_codes_in_pipes(tmp_path: Path) -> None:
    source = write_noise(tmp_path / "in.wav")
    for arguments in (["info", "amp"], ["plugins"], ["render", "amp", source, tmp_path / "out.wav"]):
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        assert result.stderr == ""
    failed = run("info", "nothing.onnx")
    assert "\x1b" not in failed.stdout + failed.stderr


def test_debug_shows_the_traceback() -> None:
    assert_one_line(run("info", "nothing.onnx"), "no model file nothing.onnx")
    debugged = run("--debug", "info", "nothing.onnx")
    assert debugged.returncode == 2
    assert "Traceback (most recent call last)" in debugged.stderr
    assert debugged.stderr.splitlines()[-1] == "neutone: no model file nothing.onnx"


def test_unexpected_errors_are_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug\nover two lines")

    monkeypatch.setattr("neutone.plugins.loading.inspect", fail)
    assert_one_line(call("info", "amp"), "ZeroDivisionError", "a bug over two lines", "--debug")


def test_missing_runtime_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_one_line(call("demo", "--output", tmp_path / "demo"), 'pip install "onnxruntime>=1.18"')
    assert not (tmp_path / "demo").exists()


# -- info --------------------------------------------------------------------------------------------------------------


def test_info_tells_what_the_model_is() -> None:
    result = call("info", "amp")
    assert result.exit_code == 0, result.stderr
    for words in ("Neutone Amp", "(onnx)", "48000 Hz", "drive", "tone", "44100/64", "32 + 0 + 0"):
        assert words in result.stdout


def test_info_json_agrees_with_the_engine() -> None:
    result = call("info", neutone.default_model(), "--json")
    document = json.loads(result.stdout)
    assert document["backend"] == "onnx"
    assert (document["input_channels"], document["output_channels"]) == (1, 1)
    assert [(p["name"], p["default"]) for p in document["parameters"]] == [("drive", 0.5), ("tone", 0.5)]
    assert document["metadata"]["model_name"] == "Neutone Amp"
    model = neutone.load(neutone.default_model())
    assert len(document["latency"]) == 15
    for row in document["latency"]:
        with neutone.Engine(model, row["sample_rate"], row["block_size"], 1) as engine:
            assert row["latency"]["total"] == engine.latency.total
            assert row["model_sample_rate"] == engine.model_sample_rate
            assert row["model_block_size"] == engine.model_block_size


def test_info_of_a_plain_onnx_file_takes_load_options(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    shape = [1, "frames"]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Tanh", ["x"], ["y"])],
        "shaper",
        [value("x", onnx.TensorProto.FLOAT, shape)],
        [value("y", onnx.TensorProto.FLOAT, shape)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "shaper.onnx"
    onnx.save(model, path)
    result = call("info", path, "--json", "-o", "sample_rate=44100", "-o", "block_size=2048")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["metadata"]["native_sample_rates"] == [44100]
    by_host = {(row["sample_rate"], row["block_size"]): row["latency"]["total"] for row in document["latency"]}
    assert by_host[48_000, 512] == 2260  # the design's table
    assert_one_line(call("info", path, "-o", "wrong=1"), "no option 'wrong'")
    assert_one_line(call("info", path, "-o", "wrong"), "name=value")


def test_info_refuses_what_is_no_model(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"no model" * 50)
    assert_one_line(call("info", junk), "junk.onnx", "not a model")
    assert_one_line(call("info", tmp_path / "missing.onnx"), "missing.onnx")
    assert_one_line(call("info", tmp_path / "model.xyz"), "model.xyz", "onnx")
    assert_one_line(call("info", "amp", "--backend", "nonsense"), "nonsense")


# -- plugins -----------------------------------------------------------------------------------------------------------


def test_plugins_lists_backends_and_hosts() -> None:
    result = call("plugins")
    assert result.exit_code == 0
    for words in ("onnx", ".onnx", "callback", "neutone.hosts", neutone.__version__, "ok"):
        assert words in result.stdout
    listed = json.loads(call("plugins", "--json").stdout)
    assert {"onnx", "callback"} <= {line["name"] for line in listed if line["error"] is None}


def test_broken_plugins_are_one_warning_and_a_status(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[neutone.backends]\nbroken = broken_plugin_of_test:Backend\n")
    listing = run("plugins", "--json", PYTHONPATH=str(tmp_path))
    line = next(line for line in json.loads(listing.stdout) if line["name"] == "broken")
    assert (line["distribution"], line["version"]) == ("broken", "1.5")
    assert "ModuleNotFoundError" in line["error"]
    assert listing.stderr == ""
    working = run("info", "amp", "--json", PYTHONPATH=str(tmp_path))
    assert working.returncode == 0
    assert json.loads(working.stdout)["backend"] == "onnx"
    assert len(working.stderr.splitlines()) == 1
    assert working.stderr.startswith("neutone: warning: the plug-in 'broken'")


# -- bench -------------------------------------------------------------------------------------------------------------


def test_bench_measures_the_grid() -> None:
    result = call("bench", "amp", "--seconds", "0.01", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert len(document["results"]) == 18
    for row in document["results"]:
        assert 0.0 < row["median_us"] <= row["p99_us"]
        assert 0.0 < row["rtf"] < 10.0
        assert row["block_us"] == pytest.approx(1e6 * row["block_size"] / row["sample_rate"], abs=0.01)


def test_bench_prints_a_table_that_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = call("bench", "amp", "--seconds", "0.01")
    assert result.exit_code == 0, result.stderr
    for words in ("RTF", "44100/64", "96000/2048"):
        assert words in result.stdout
    assert "…" not in result.stdout


# -- demo --------------------------------------------------------------------------------------------------------------


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


@pytest.mark.long
def test_demo_writes_sound_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = call("demo", "--output", tmp_path)
    assert result.exit_code == 0, result.stderr
    for words in ("RTF", "crunch", "48000/128", "0 + 0 + 0", "demo.png"):
        assert words in result.stdout
    takes = {path.stem: read(path) for path in tmp_path.glob("*.wav")}
    assert set(takes) == {"dry", "clean", "crunch", "lead", "sweep"}
    assert {audio.shape for audio in takes.values()} == {(1, 288_000)}
    levels = [float(np.sqrt(np.mean(takes[name] ** 2))) for name in ("clean", "crunch", "lead")]
    assert levels == sorted(levels)
    assert min(levels) > 0.01
    width, height = png_size(tmp_path / "demo.png")
    assert width >= 1500
    assert height >= 900
    assert (tmp_path / "demo.png").stat().st_size > 100_000


def test_demo_without_matplotlib_at_another_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "neutone.cli.demo.picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    result = call("demo", "--output", tmp_path, "--rate", "44100")
    assert result.exit_code == 0, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert 'pip install "matplotlib>=3.8"' in result.stderr
    assert not (tmp_path / "demo.png").exists()
    assert soundfile.info(tmp_path / "lead.wav").samplerate == 44_100
    assert read(tmp_path / "lead.wav").shape == (1, 264_600)
    assert "44100/128" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("-o", "out"), ("-o is 'out'", "--output out")),
        (("--output", "mono.wav"), ("--output is 'mono.wav'", "expected a folder")),
    ],
)
def test_demo_says_where_its_files_go(
    arguments: tuple[str, ...], parts: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_line(call("demo", *arguments), *parts)
    assert not list(tmp_path.iterdir())


def test_demo_names_the_option_of_a_wrong_rate() -> None:
    result = call("demo", "--rate", "7")
    assert result.exit_code == 2
    assert "'--rate'" in result.stderr
