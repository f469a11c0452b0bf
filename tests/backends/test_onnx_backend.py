"""ONNX files through ONNX Runtime: neutone's layout, plain files, state, errors."""

import subprocess
import sys
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import neutone
from neutone import Engine, errors
from neutone.testing import BackendContract
from neutone_onnx import OnnxBackend
from support.models import noise, run
from support.onnx_models import accumulator, plain, save, value


class TestAnyBlock(BackendContract):
    backend = OnnxBackend

    @pytest.fixture
    def model_file(self, tmp_path):
        return accumulator(tmp_path / "any.onnx")


class TestAnyBlockThroughPython(TestAnyBlock):
    options: ClassVar[dict[str, Any]] = {"native": False}


class TestFixedBlock(BackendContract):
    backend = OnnxBackend

    @pytest.fixture
    def model_file(self, tmp_path):
        return accumulator(tmp_path / "fixed.onnx", block=100)


class TestFixedBlockThroughPython(TestFixedBlock):
    options: ClassVar[dict[str, Any]] = {"native": False}


class TestDefaultModel(BackendContract):
    backend = OnnxBackend

    @pytest.fixture
    def model_file(self):
        return neutone.default_model()


class TestDefaultModelThroughPython(TestDefaultModel):
    options: ClassVar[dict[str, Any]] = {"native": False}


both_sessions = pytest.mark.parametrize("native", [True, False], ids=["native", "python"])


def expected(audio, curve, start=0.25):
    return audio * curve + start + np.cumsum(audio.astype(np.float64), axis=1)


@both_sessions
@pytest.mark.parametrize("block", [None, 64, 100])
@pytest.mark.parametrize("required_state", [False, True])
def test_state_goes_on_from_block_to_block(tmp_path, block, required_state, native):
    path = accumulator(tmp_path / "m.onnx", block=block, required_state=required_state)
    engine = Engine(neutone.load(path, native=native), 48_000, 64, 2)
    audio, curve = noise(2, 64 * 60), np.random.default_rng(1).random((1, 64 * 60), np.float32)
    start = 0.0 if required_state else 0.25
    delay = engine.latency.total
    for _ in range(2):
        out = run(engine, audio, curve)
        want = expected(audio, curve, start)[:, : out.shape[1] - delay]
        np.testing.assert_allclose(out[:, delay:], want, atol=2e-5)
        engine.reset()


@both_sessions
def test_varying_blocks_keep_state(tmp_path, native):
    engine = Engine(neutone.load(accumulator(tmp_path / "m.onnx"), native=native), 48_000, 64, 2, fixed_blocks=False)
    audio = noise(2, 640)
    rng = np.random.default_rng(0)
    sizes = []
    while sum(sizes) < 640:
        sizes.append(int(min(rng.integers(1, 65), 640 - sum(sizes))))
    out = run(engine, audio, sizes=sizes)
    np.testing.assert_allclose(out, expected(audio, 0.5), atol=1e-5)


@both_sessions
def test_two_engines_on_one_model_do_not_meet(tmp_path, native):
    model = neutone.load(accumulator(tmp_path / "m.onnx"), native=native)
    one, other = Engine(model, 48_000, 64, 2), Engine(model, 48_000, 64, 2)
    audio = noise(2, 640)
    for start in range(0, 640, 64):
        out = one.process(audio[:, start : start + 64])
        other.process(-audio[:, start : start + 64])
    np.testing.assert_allclose(out, expected(audio, 0.5)[:, -64:], atol=1e-5)


@both_sessions
@pytest.mark.parametrize(
    ("shape", "channels"),
    [([2, "N"], 2), ([1, "N"], 1), ([1, 2, "N"], 2), (["batch", 1, "N"], 1), ([5, 64], 5), ([1, 64], 1)],
)
def test_plain_files(tmp_path, shape, channels, native):
    path = plain(tmp_path / "plain.onnx", shape, node="Neg")
    model = neutone.load(path, sample_rate=48_000, native=native)
    assert (model.input_channels, model.output_channels) == (channels, channels)
    engine = Engine(model, 48_000, 64, channels)
    audio = noise(channels, 64)
    np.testing.assert_array_equal(engine.process(audio), -audio)
    assert engine.model_block_size == (64 if shape[-1] == 64 else None)


@both_sessions
def test_plain_files_take_rate_and_block_from_the_caller(tmp_path, native):
    path = plain(tmp_path / "plain.onnx", [1, "N"])
    model = neutone.load(path, sample_rate=16_000, block_size=128, native=native)
    engine = Engine(model, 48_000, 480, 1)
    assert (engine.model_sample_rate, engine.model_block_size) == (16_000, 128)
    fixed = plain(tmp_path / "fixed.onnx", [1, 96])
    assert neutone.load(fixed, native=native).metadata.native_buffer_sizes == [96]
    with pytest.raises(ValueError, match=r"96 frames, not 100"):
        neutone.load(fixed, block_size=100)


def test_plain_files_that_are_not_audio(tmp_path):
    cases = [
        plain(tmp_path / "open.onnx", ["channels", "N"]),
        plain(tmp_path / "rank4.onnx", [1, 1, 1, "N"]),
        plain(tmp_path / "int.onnx", [1, "N"], element_type=TensorProto.INT64),
        save(
            tmp_path / "two.onnx",
            [helper.make_node("Add", ["a", "b"], ["y"])],
            [value("a", [1, "N"]), value("b", [1, "N"])],
            [value("y", [1, "N"])],
        ),
        save(
            tmp_path / "shorter.onnx",
            [helper.make_node("GlobalAveragePool", ["x"], ["y"])],
            [value("x", [1, 2, "N"])],
            [value("y", [1, 2, 1])],
        ),
    ]
    for path in cases:
        with pytest.raises(errors.ModelFileError) as caught:
            neutone.load(path)
        assert path.name in str(caught.value)


def test_files_whose_metadata_does_not_fit(tmp_path):
    path = accumulator(tmp_path / "good.onnx")
    good = onnx.load(path)

    def broken(change):
        model = onnx.ModelProto()
        model.CopyFrom(good)
        change(model)
        onnx.save(model, tmp_path / "broken.onnx")
        with pytest.raises(errors.ModelFileError) as caught:
            neutone.load(tmp_path / "broken.onnx")
        return str(caught.value)

    def set_metadata(text):
        def change(model):
            model.metadata_props[0].value = text

        return change

    assert "JSON" in broken(set_metadata("{"))
    assert "JSON object" in broken(set_metadata("[]"))
    assert "model_name" in broken(set_metadata("{}"))
    assert "params has 1 rows" in broken(set_metadata('{"model_name": "x"}'))
    assert "next_state.sum" in broken(_rename_next_state)


def _rename_next_state(model):
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            if name == "next_state.sum":
                node.output[index] = "renamed"
    for output in model.graph.output:
        if output.name == "next_state.sum":
            output.name = "renamed"


def test_options(tmp_path):
    path = accumulator(tmp_path / "m.onnx")
    for options, words in (
        ({"thread": 1}, "threads"),
        ({"threads": 0}, "from 1"),
        ({"threads": True}, "from 1"),
        ({"sample_rate": 44_100}, "declares its own sample_rate"),
    ):
        with pytest.raises(ValueError, match=words):
            neutone.load(path, **options)
    engine = Engine(neutone.load(path, threads=2, model_delay=48), 96_000, 64, 2)
    assert engine.latency.model == 96


def test_without_the_runtime_the_error_names_the_extra(tmp_path):
    path = accumulator(tmp_path / "m.onnx")
    code = f"""
import sys
sys.modules["onnxruntime"] = None
import neutone
try:
    neutone.load({str(path)!r})
except neutone.errors.MissingExtraError as error:
    assert isinstance(error, ImportError)
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "onnxruntime>=1.18"' in done.stdout


def test_importing_the_plugin_imports_no_runtime():
    code = "import neutone_onnx, neutone_torch, neutone_callback, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnxruntime", "torch"} & set(done.stdout.split())


@both_sessions
def test_a_graph_that_does_not_run_is_no_model_file(tmp_path, capfd, native):
    """The graph returns half as many frames as its metadata promises."""
    path = save(
        tmp_path / "half.onnx",
        [helper.make_node("Slice", ["audio", "starts", "ends", "axes", "steps"], ["audio_out"])],
        [value("audio", [1, "N"])],
        [value("audio_out", [1, "M"])],
        [
            ("starts", np.array([0], np.int64)),
            ("ends", np.array([2**40], np.int64)),
            ("axes", np.array([1], np.int64)),
            ("steps", np.array([2], np.int64)),
        ],
        {"model_name": "half", "is_input_mono": True, "is_output_mono": True},
    )
    with pytest.raises(errors.ModelFileError, match="half does not run on blocks of 64 frames"):
        Engine(neutone.load(path, native=native), 48_000, 64, 1)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "options", [{"model_delay": -1}, {"model_delay": 1.5}, {"model_delay": 10**12}, {"threads": 10**10}]
)
def test_options_out_of_range(tmp_path, options):
    with pytest.raises(ValueError, match="expected an integer"):
        neutone.load(accumulator(tmp_path / "m.onnx"), **options)


@pytest.mark.parametrize("text", ['{"model_name": "x", "self": 1, "look_behind_samples": -1}', "[" * 100_000])
def test_malformed_metadata(tmp_path, text):
    model = onnx.load(accumulator(tmp_path / "good.onnx"))
    model.metadata_props[0].value = text
    onnx.save(model, tmp_path / "bad.onnx")
    with pytest.raises(errors.ModelFileError):
        neutone.load(tmp_path / "bad.onnx")
