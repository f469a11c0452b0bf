"""Models with serious mistakes in them: each is exported correctly or refused, and no wrong file is written."""

import numpy as np
import pytest
import torch
from torch import Tensor

import neutone
from neutone import ModelMetadata, errors
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase, export_onnx, save_neutone_model


class UnusedFirst(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="unused", native_sample_rates=[48_000])
    neutone_parameters = [  # noqa: RUF012
        ContinuousNeutoneParameter("a", "", 0.25, used=False),
        ContinuousNeutoneParameter("b", "", 0.75),
    ]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x * 0.0 + params["a"] * 10.0 + params["b"]


@pytest.mark.long
def test_unused_parameters_keep_their_rows_which_are_0(tmp_path):
    export_onnx(UnusedFirst(), tmp_path / "m.onnx")
    save_neutone_model(UnusedFirst(), tmp_path, speed_benchmark=False)
    for model in (tmp_path / "m.onnx", tmp_path / "model.nm", UnusedFirst()):
        out = neutone.Engine(neutone.load(model), 48_000, 64, 2).process(np.zeros((2, 64), np.float32))
        np.testing.assert_allclose(out, 0.75, atol=1e-6)


class SizeDependent(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="size", native_buffer_sizes=[64, 512])

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.n = n_samples
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x * 0.0 + float(self.n)


def test_every_listed_size_is_compared(tmp_path):
    with pytest.raises(errors.ModelFileError, match="block size"):
        export_onnx(SizeDependent(), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


class Gain(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="gain")

    def __init__(self, gain: float) -> None:
        super().__init__(None)
        self.register_buffer("gain", torch.tensor(gain))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x * self.gain


def test_weights_that_are_not_finite_are_refused(tmp_path):
    with pytest.raises(errors.ModelFileError, match="finite"):
        export_onnx(Gain(float("nan")), tmp_path / "m.onnx")
    with pytest.raises(errors.ModelFileError, match="finite"):
        save_neutone_model(Gain(float("nan")), tmp_path, speed_benchmark=False)
    assert list(tmp_path.iterdir()) == []


class KeepsView(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="keeps", native_buffer_sizes=[64])

    def __init__(self) -> None:
        super().__init__(None)
        self.register_buffer("last", torch.zeros(2, 1))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = x + self.last
        self.last = x[:, -1:]
        return y

    def reset_model(self) -> bool:
        self.last = torch.zeros(2, 1)
        return True


def test_state_that_is_a_view_of_the_input_is_refused_for_hosts_that_reuse_it(tmp_path):
    with pytest.raises(errors.ModelFileError, match=r"'last'.*clone\(\)"):
        save_neutone_model(KeepsView(), tmp_path, speed_benchmark=False)
    assert export_onnx(KeepsView(), tmp_path / "m.onnx").largest_difference < 1e-6


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.onnx"):
        export_onnx(Gain(1.0), tmp_path / "m.nm")
