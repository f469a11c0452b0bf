"""Converting ``.nm`` files to ONNX: what converts sounds the same wherever it is played, and the rest is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import ConfigurationError, ModelFileError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from neutone.sdk import convert_to_onnx  # noqa: E402
from neutone.sdk.convert.script_comparison import compare_blocks  # noqa: E402
from support import nm_models  # noqa: E402
from support.conversion import assert_sounds_the_same, convert_here, operators  # noqa: E402
from support.peer_files import peer_file  # noqa: E402

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


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
        (nm_models.NoneAtFirst, 1, "ReduceMean"),
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
    assert result.states == ("state.past_params",)  # the stream keeps the look-behind of the audio
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
        (nm_models.Noise, r"draws random numbers by aten::\w+"),
        (nm_models.SeldomNoise, r"draws random numbers by aten::rand"),
        (nm_models.OneTensorTwice, r"'\w+' and '\w+' are the same tensor, which blocks change"),
        (nm_models.LoopOverFrames, r"a loop over frames .*nm_models\.py, line \d+"),
        (nm_models.Bidirectional, "bidirectional"),
        (nm_models.NoCounterpart, "bessel_j0"),
    ],
)
def test_models_that_cannot_be_converted(kind: Any, reason: str, tmp_path: Path) -> None:
    source = nm_models.save(tmp_path / "m.nm", kind())
    neutone.load(source).prepare(48_000, 64)  # the file itself is fine
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
    with pytest.raises(ConfigurationError, match=r"is not a \.nm file|does not end in \.onnx"):
        convert_to_onnx(tmp_path / names[0], tmp_path / names[1])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.nm"):
        convert_to_onnx(tmp_path / "no.nm", tmp_path / "m.onnx")
