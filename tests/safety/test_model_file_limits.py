"""Small files that claim large sizes: each is refused at once, with one short error, or costs no more than its size."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone import ModelMetadata, errors
from support.models import FunctionModel

pytestmark = pytest.mark.long

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
sys.argv[0] = "neutone"
from neutone.cli import main
main()
"""


def limited(*arguments: str | Path, gigabytes: float = 1.5) -> subprocess.CompletedProcess[str]:
    """Run the command line with little memory and half a minute of processor time."""
    code = LIMITED.format(bytes=int(gigabytes * (1 << 30)))
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("neutone: ")
    assert "unexpected error" not in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 1600
    for word in words:
        assert word in result.stderr


# -- metadata ----------------------------------------------------------------------------------------------------------

PARAMETER = {"name": "x", "description": "", "default_value": 0.5, "used": True, "type": "continuous"}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"model_version": "9" * 10_000_000}, "model_version"),
        ({"model_name": "x" * 10_000_000}, "model_name"),
        ({"model_authors": ["x" * 10_000_000]}, "model_authors"),
        ({"technical_links": {"a": "x" * 10_000_000}}, "technical_links"),
        ({"technical_links": {"x" * 10_000_000: "a"}}, "technical_links"),
        ({"sdk_version": "x" * 10_000_000}, "sdk_version"),
        ({"native_sample_rates": [48_000] * 30_000}, "native_sample_rates"),
        ({"native_buffer_sizes": [512] * 30_000}, "native_buffer_sizes"),
        ({"native_sample_rates": [48_000] * 1_000_000}, "values"),
        ({"neutone_parameters": {f"p{i}": {**PARAMETER, "name": f"n{i}"} for i in range(1, 10_001)}}, "256"),
        ({"neutone_parameters": {f"p{i}": {**PARAMETER, "name": f"n{i}"} for i in range(1, 100_001)}}, "at most"),
        ({"neutone_parameters": {"p1": {**PARAMETER, "name": "x" * 10_000_000}}}, "name"),
        ({"neutone_parameters": {"p1": {**PARAMETER, "description": "x" * 10_000_000}}}, "description"),
        ({"neutone_parameters": {"x" * 10_000_000: {**PARAMETER, "name": 7}}}, "neutone_parameters"),
        ({"look_behind_samples": 1 << 40}, "look_behind_samples"),
        ({"model_delay_samples": 1 << 28}, "model_delay_samples"),
        ({"model_name": "x" * 20_000_000}, "20000018 bytes"),
        ({"more": [[]] * 1_000_000}, "values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_without_bounds_is_refused_in_a_short_message(fields: dict[str, Any], word: str) -> None:
    text = json.dumps({"model_name": "amp", **fields})
    with pytest.raises(errors.MetadataError, match=word) as caught:
        ModelMetadata.from_json(text)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[" * 100_000, "nested"),
        ('{"model_name": "x", "a": ' + "[" * 500 + "]" * 500 + "}", "nested"),
        ('{"model_name": "x", "a": ' + "1" * 6000 + "}", "JSON"),
        ("[1, 2]", "object"),
        ('"' + "x" * 100_000 + '"', "object"),
        ("{", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        ("", "JSON"),
    ],
)
def test_text_that_is_no_metadata_is_one_clear_error(text: str | bytes, word: str) -> None:
    with pytest.raises(errors.MetadataError, match=word) as caught:
        ModelMetadata.from_json(text)
    assert len(str(caught.value)) < 1000


def test_text_that_is_no_utf8_can_still_be_read() -> None:
    assert ModelMetadata.from_json(b'{"model_name": "\xffmp"}').model_name == "\ufffdmp"
    assert ModelMetadata.from_json('{"model_name": "\\ud800mp"}').model_name == "?mp"
    assert ModelMetadata.from_json('{"model_name": "\\ud83c\\udfb8"}').model_name == "🎸"


def test_many_parameters_are_checked_in_no_time() -> None:
    parameters = {f"p{i}": {**PARAMETER, "name": f"n{i}"} for i in range(1, 257)}
    metadata = ModelMetadata(model_name="x", neutone_parameters=parameters)
    assert metadata.parameter_rows == list(range(256))
    parameters["p256"]["name"] = "n1"
    with pytest.raises(errors.MetadataError, match="two parameters are named 'n1'"):
        ModelMetadata(model_name="x", neutone_parameters=parameters)


def test_a_delay_that_is_too_long_at_the_hosts_rate_is_a_clear_error() -> None:
    model = FunctionModel(rates=[1000], delay=1 << 23)
    with pytest.raises(errors.ConfigurationError, match="8388608 frames at 1000 Hz, which are 402653184"):
        neutone.Engine(model, 48_000, 64, 2)
    assert neutone.Engine(model, 1000, 64, 2).latency.model == 1 << 23


# -- archives ----------------------------------------------------------------------------------------------------------


def archive(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def bomb(path: Path, name: str, gigabytes: int = 1) -> Path:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open(name, "w", force_zip64=True) as entry,
    ):
        zeros = bytes(1 << 24)
        for _ in range(gigabytes * 64):
            entry.write(zeros)
    return path


@pytest.mark.parametrize("name", ["m/extra/metadata.json", "m/data.pkl", "m/code/__torch__/x.py"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, name: str) -> None:
    path = bomb(tmp_path / "bomb.nm", name)
    assert path.stat().st_size < 30_000_000
    assert_refused(limited("info", path), "bomb.nm", "unpacks to 1073741824 bytes")
    pytest.importorskip("torch")
    with pytest.raises(errors.ModelFileError, match="unpacks to"):
        neutone.load(path)


def test_metadata_that_are_larger_than_metadata_may_be(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.nm", {"m/extra/metadata.json": bytes(17_000_000)})
    assert_refused(limited("info", path), "metadata.json unpacks to 17000000 bytes, expected 16777216 at most")


def test_entries_that_share_bytes_count_each(tmp_path: Path) -> None:
    """David Fifield's better zip bomb: many names for the same compressed data."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("m/data.pkl", bytes(1 << 24))
        shared = file.infolist()[0]
        for index in range(200):
            alias = zipfile.ZipInfo(f"m/data/{index}")
            for name in ("header_offset", "compress_type", "CRC", "compress_size", "file_size"):
                setattr(alias, name, getattr(shared, name))
            file.filelist.append(alias)
            file.NameToInfo[alias.filename] = alias
    path = tmp_path / "shared.nm"
    path.write_bytes(data.getvalue())
    with pytest.raises(errors.ModelFileError, match=r"unpacks to 3\d{9} bytes"):
        neutone.inspect(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Readers that take the first entry would see other metadata than readers that take the last."""
    path = tmp_path / "two.nm"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("one", "two"):
            file.writestr("m/extra/metadata.json", json.dumps({"model_name": name}))
    with pytest.raises(errors.ModelFileError, match="two files of one name"):
        neutone.inspect(path)


def test_an_archive_with_two_directories_is_refused(tmp_path: Path) -> None:
    """zipfile reads the directory before the end record, PyTorch the one at the offset that the record states."""
    real = archive(tmp_path / "real.nm", {"m/extra/metadata.json": b"{}"}).read_bytes()
    decoy = archive(tmp_path / "decoy.nm", {"m/extra/metadata.json": b'{"model_name": "decoy"}'}).read_bytes()
    for data in (real + decoy, b"#!/bin/sh\n" + real, real + b"\0", real[:-2] + b"\x04\0more"):
        path = tmp_path / "two.nm"
        path.write_bytes(data)
        with pytest.raises(errors.ModelFileError, match="archive"):
            neutone.inspect(path)


@pytest.mark.parametrize("operation", [b"N", b"r\0\0\0\0"])
def test_a_pickle_of_millions_of_operations_is_refused(tmp_path: Path, operation: bytes) -> None:
    pytest.importorskip("torch")
    data = b"\x80\x02" + operation * 5_000_000 + b"."
    path = archive(tmp_path / "a.ts", {"m/data.pkl": data})
    assert_refused(limited("bench", path, gigabytes=6), "more than 1000000 operations")


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"no archive" * 100, b"PK\x03\x04" * 50])
def test_what_is_no_archive_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.nm"
    path.write_bytes(data)
    with pytest.raises(errors.ModelFileError, match=r"a\.nm"):
        neutone.inspect(path)


# -- graphs ------------------------------------------------------------------------------------------------------------


def graph_with(path: Path, state: list[int] | None = None, channels: int = 1, metadata: bool = True) -> Path:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Identity", ["audio"], ["audio_out"])]
    inputs = [value("audio", TensorProto.FLOAT, [channels, "N"])]
    outputs = [value("audio_out", TensorProto.FLOAT, [channels, "N"])]
    if state is not None:
        nodes.append(helper.make_node("Identity", ["state.s"], ["next_state.s"]))
        inputs.append(value("state.s", TensorProto.FLOAT, state))
        outputs.append(value("next_state.s", TensorProto.FLOAT, state))
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    if metadata:
        model.metadata_props.add(key="neutone", value=json.dumps({"model_name": "x", "is_input_mono": True}))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("state", [[1_250_000_000], [50_000, 25_000], [1 << 40, 1 << 40]])
def test_a_state_of_gigabytes_is_refused(tmp_path: Path, state: list[int], metadata: bool) -> None:
    pytest.importorskip("onnxruntime")
    path = graph_with(tmp_path / "a.onnx", state, metadata=metadata)
    assert path.stat().st_size < 1000
    assert_refused(limited("info", path), "a.onnx", "state")
    assert_refused(limited("bench", path), "a.onnx", "state", "expected")


@pytest.mark.parametrize("metadata", [True, False])
def test_a_billion_channels_are_refused(tmp_path: Path, metadata: bool) -> None:
    pytest.importorskip("onnxruntime")
    path = graph_with(tmp_path / "a.onnx", channels=10**9, metadata=metadata)
    assert_refused(limited("info", path), "1000000000")
    assert_refused(limited("bench", path), "1000000000")


def test_a_sparse_tensor_of_gigabytes_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = graph_with(tmp_path / "a.onnx")
    model = onnx.load(path)
    values = onnx.numpy_helper.from_array(np.ones(1, np.float32), "w")
    indices = onnx.numpy_helper.from_array(np.zeros(1, np.int64), "i")
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, indices, [2_000_000_000]))
    onnx.save(model, path)
    assert_refused(limited("info", path), "sparse tensor of 2000000000")
    assert_refused(limited("bench", path), "sparse tensor of 2000000000")


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


HUGE_SIZE = b"\xff" * 8 + b"\x7f"
HUGE_AXIS = message(1, b"\x08" + HUGE_SIZE)


@pytest.mark.parametrize(
    "graph",
    [
        message(15, message(3, HUGE_SIZE * 300_000)),
        message(11, message(1, b"state.x") + message(2, message(1, b"\x08\x01" + message(2, HUGE_AXIS * 200_000)))),
        message(11, message(1, b"state.x") + message(2, message(1, b"\x08\x01" + message(2, HUGE_AXIS * 300)))),
        message(11, b"") * 2_000_000,
        message(15, message(3, b"\0" * 20_000_000)),
        message(5, b"\x08\x01" * 4_000_000),
    ],
    ids=["sparse axes", "axes", "some axes", "inputs", "zero axes", "initializer"],
)
def test_a_graph_of_millions_of_pieces_is_refused_at_once(tmp_path: Path, graph: bytes) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(message(7, graph))
    assert_refused(limited("info", path, gigabytes=1), "a.onnx")


def test_an_entry_of_millions_of_pieces_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(message(14, b"\x12\x00" * 5_000_000))
    assert_refused(limited("info", path, gigabytes=1), "fields")


def test_info_runs_no_graph(tmp_path: Path) -> None:
    """The graph never ends and has no metadata of neutone. Only its shapes are read."""
    onnx = pytest.importorskip("onnx")
    from support import onnx_models

    path = onnx_models.endless(tmp_path / "endless.onnx")
    model = onnx.load(path)
    del model.metadata_props[:]
    for node in model.graph.node[0].attribute[0].g.node:
        if node.op_type == "Greater":
            node.CopyFrom(onnx.helper.make_node("Identity", ["going"], ["still"]))
    onnx.save(model, path)
    result = limited("info", path)
    assert result.returncode == 0, result.stderr
    assert "1 in, 1 out" in result.stdout


def test_names_that_are_no_text_are_one_clear_error(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    data = neutone.default_model().read_bytes()
    for word in (b"Neutone Amp", b"audio_out", b"neutone contributors"):
        path = tmp_path / "a.onnx"
        path.write_bytes(data.replace(word, b"\xff" + word[1:]))
        for command in ("info", "bench"):
            result = limited(command, path, gigabytes=3)
            if result.returncode:
                assert_refused(result, "a.onnx")


def test_onnx_runtime_does_not_speak_before_our_line(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = graph_with(tmp_path / "a.onnx")
    path.write_bytes(path.read_bytes().replace(b"Identity", b"Identitx"))
    assert_refused(limited("bench", path, gigabytes=3), "a.onnx is not a model")


def test_the_limits_are_really_set() -> None:
    """Without the limits, the tests above would only be slow."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED.format(bytes=1 << 29).partition("sys.argv")[0] + "bytes(1 << 30)"],
        capture_output=True,
        text=True,
    )
    assert "MemoryError" in result.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
