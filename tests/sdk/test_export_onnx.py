"""``export_onnx``: block sizes, rates and metadata of the file, and the reasons why a model cannot be exported."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone import ModelMetadata
from neutone.errors import MissingExtraError, ModelFileError
from support.places import TESTS

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from neutone.sdk import CategoricalNeutoneParameter, ContinuousNeutoneParameter, WaveformToWaveformBase, export_onnx  # noqa: E402
from support.exporting import MONO, Cached, Mono, check  # noqa: E402

pytestmark = pytest.mark.long

nn, Tensor = torch.nn, torch.Tensor


# -- look-behind, block sizes, rates -----------------------------------------------------------------------------------


class Fir(Mono):
    metadata = ModelMetadata(model_name="fir", look_behind_samples=4, **MONO)
    neutone_parameters = (ContinuousNeutoneParameter("level", "", 0.5, 0.0, 2.0),)

    def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
        return self.model(x[None])[0] * params["level"]


class FirOfOneSize(Fir):
    metadata = ModelMetadata(model_name="fir", look_behind_samples=4, native_buffer_sizes=[96], **MONO)


def test_look_behind_at_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = check(Fir(nn.Conv1d(1, 1, 5)), tmp_path)
    assert report.takes_any_block
    (out,) = onnx.load(report.path).graph.output[:1]
    assert not out.type.tensor_type.shape.dim[1].HasField("dim_value")


def test_look_behind_at_one_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = check(FirOfOneSize(nn.Conv1d(1, 1, 5)), tmp_path, (96, 96, 96))
    assert not report.takes_any_block
    audio = onnx.load(report.path).graph.input[0]
    assert [dim.dim_value for dim in audio.type.tensor_type.shape.dim] == [1, 100]
    assert neutone.load(report.path).metadata.native_buffer_sizes == [96]


def test_several_sizes_stay_open(tmp_path: Path) -> None:
    class Sizes(Mono):
        metadata = ModelMetadata(model_name="sizes", native_buffer_sizes=[64, 256], **MONO)

    torch.manual_seed(0)
    report = check(Sizes(Cached(in_place=False)), tmp_path, (64, 64, 256, 256))
    assert report.takes_any_block
    assert neutone.load(report.path).metadata.native_buffer_sizes == [64, 256]


def test_a_model_that_adapts_to_the_rate_is_exported_at_one(tmp_path: Path) -> None:
    class Adapts(Mono):
        metadata = ModelMetadata(
            model_name="adapts", native_sample_rates=[44_100, 48_000], is_input_mono=True, is_output_mono=True
        )

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("gain", torch.ones(()))

        def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
            self.gain = torch.tensor(sample_rate / 96_000)
            return True

        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            return x * self.gain

    loaded = neutone.load(export_onnx(Adapts(), tmp_path / "model.onnx").path)
    assert loaded.metadata.native_sample_rates == [44_100]
    session = loaded.prepare(44_100, 16)
    session.audio_in[:] = 1.0
    session.run(16)
    np.testing.assert_allclose(session.audio_out, 44_100 / 96_000, rtol=1e-6)


def test_a_model_that_depends_on_the_block_size_is_refused(tmp_path: Path) -> None:
    class Depends(Mono):
        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            return x * float(int(x.shape[1]))

    with pytest.raises(ModelFileError, match=r"Depends .*depends on the number of frames"):
        export_onnx(Depends(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


# -- what is in the file -----------------------------------------------------------------------------------------------


class Described(WaveformToWaveformBase):
    """A stereo-to-mono model with two of four parameters and a delay."""

    metadata = ModelMetadata(
        model_name="described",
        model_authors=["A", "B"],
        tags=["test"],
        is_output_mono=True,
        native_sample_rates=[44_100, 48_000],
        wet_default_value=0.8,
    )
    neutone_parameters = (
        CategoricalNeutoneParameter("mode", "which", 3, 1, labels=["a", "b", "c"]),
        ContinuousNeutoneParameter("gain", "how much", 2.0, 1.0, 5.0),
    )

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("line", torch.zeros(2, 33))

    def aggregate_params(self, params: Any) -> Any:
        return params

    def calc_model_delay_samples(self) -> int:
        return 33

    def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
        joined = torch.cat([self.line, x], 1)
        self.line = joined[:, x.size(1) :].clone()
        return joined[:, : x.size(1)].mean(0, keepdim=True) * params["gain"] + params["mode"]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("described") / "model.onnx"
    assert check(Described(), path.parent).path == path
    return path


def test_metadata_and_delay_arrive(described: Path) -> None:
    model = neutone.load(described)
    expected = Described().to_metadata()
    loaded = model.metadata.model_dump()
    for key in ("model_name", "model_authors", "tags", "native_sample_rates", "native_buffer_sizes", "is_output_mono"):
        assert loaded[key] == expected[key]
    assert model.metadata.wet_default_value == 0.8
    assert [parameter.name for parameter in model.metadata.parameters] == ["mode", "gain"]
    assert model.metadata.parameters[0].labels == ["a", "b", "c"]
    assert (model.input_channels, model.output_channels, model.model_delay) == (2, 1, 33)
    assert neutone.Engine(model, 48_000, 64).latency.total == 33


def test_nothing_lies_beside_it_and_nothing_tells_where_it_was_made(described: Path) -> None:
    assert [path.name for path in described.parent.iterdir()] == ["model.onnx"]
    contents = described.read_bytes()
    assert Path(__file__).name.encode() not in contents
    assert b".py" not in contents


def test_large_weights_are_inside_the_file(tmp_path: Path) -> None:
    class Large(Mono):
        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            return self.model(x.t()).t()

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 700), nn.Tanh(), nn.Linear(700, 700), nn.Linear(700, 1))
    report = check(Large(network), tmp_path, (64, 64))
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert report.path.stat().st_size > 700 * 700 * 4


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Described()
    model(torch.rand(2, 50))  # the model's state is no longer the initial one
    model.train()
    before = {name: (id(tensor), tensor.clone()) for name, tensor in model.state_dict(keep_vars=True).items()}
    forward = nn.LSTM.forward
    export_onnx(model, tmp_path / "model.onnx")
    after = model.state_dict(keep_vars=True)
    assert list(before) == list(after)
    for name, (identity, value) in before.items():
        assert id(after[name]) == identity
        assert torch.equal(after[name], value)
    assert model.training
    assert model.use_debug_mode
    assert nn.LSTM.forward is forward


def test_it_is_quiet(tmp_path: Path) -> None:
    """Nothing is printed, even at the level of file descriptors and with all of Python's warnings on."""
    script = textwrap.dedent(
        f"""
        import os, sys, tempfile, warnings
        import torch, onnxruntime
        from support.exporting import Cached, Mono, Recurrent
        from neutone.sdk import export_onnx
        warnings.resetwarnings()
        warnings.simplefilter("always")
        model = Mono(torch.nn.Sequential(Cached(False), Recurrent("LSTM", "time first", 1)))
        with tempfile.TemporaryFile() as heard:
            saved = os.dup(1), os.dup(2)
            os.dup2(heard.fileno(), 1), os.dup2(heard.fileno(), 2)
            export_onnx(model, {str(tmp_path / "model.onnx")!r})
            sys.stdout.flush(), sys.stderr.flush()
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
            heard.seek(0)
            print(repr(heard.read()))
        """
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=TESTS, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "b''\n"


# -- errors ------------------------------------------------------------------------------------------------------------


class Bessel(Mono):
    def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
        return torch.special.bessel_j0(x)


def test_an_operator_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"Bessel.*bessel_j0") as caught:
        export_onnx(Bessel(), tmp_path / "model.onnx")
    assert len(str(caught.value)) < 1000
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there")
    with pytest.raises(ModelFileError):
        export_onnx(Bessel(), path)
    assert path.read_bytes() == b"what was there"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_that_differs_is_not_written(tmp_path: Path) -> None:
    class Counts(Mono):
        """The state is a Python number, which every exporter takes for a constant."""

        blocks = 0

        def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
            self.blocks += 1
            return x + float(self.blocks)

    with pytest.raises(ModelFileError, match=r"differs from the model by .*state that is not a buffer"):
        export_onnx(Counts(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_what_to_install(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"pip install .*onnxscript"):
        export_onnx(Described(), tmp_path / "model.onnx")


def test_the_metadata_is_plain_json(described: Path) -> None:
    (entry,) = onnx.load(described).metadata_props
    assert entry.key == "neutone"
    assert json.loads(entry.value)["model_delay_samples"] == 33
