"""What authors of wrappers do, and neutone_sdk lets pass: it works in every form, with one warning in debug mode."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neutone
from neutone.errors import MetadataError, WrapperWarning
from neutone.sdk import ContinuousNeutoneParameter, ModelMetadata, WaveformToWaveformBase, export_onnx
from support.scripted_forms import in_every_form


class Clipper(WaveformToWaveformBase):
    """Writes to its input and to its parameters."""

    metadata = ModelMetadata(model_name="Clipper")
    neutone_parameters: ClassVar[list[Any]] = [
        ContinuousNeutoneParameter("min", "threshold", 0.25),
        ContinuousNeutoneParameter("max", "threshold", 0.5),
    ]

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        low, high = params["min"], params["max"]
        torch.neg(low, out=low)
        torch.clip(x, min=low, max=high, out=x)
        return x


class Double(WaveformToWaveformBase):
    """Computes in double precision, and returns it."""

    metadata = ModelMetadata(model_name="Double")

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x.double() * 0.5


RAMP = torch.linspace(-1.0, 1.0, 32).repeat(2, 1)


def expected(model: WaveformToWaveformBase, x: Tensor) -> Tensor:
    return x.clip(-0.25, 0.5) if isinstance(model, Clipper) else x * 0.5


@in_every_form
@pytest.mark.parametrize("kind", [Clipper, Double])
@pytest.mark.filterwarnings("ignore::neutone.errors.WrapperWarning")
def test_the_output_is_right_in_every_form(kind: type[Any], form: Callable[[nn.Module], Any]) -> None:
    model = kind()
    with torch.no_grad():
        for _ in range(2):  # the defaults are not overwritten
            answer = form(model)(RAMP.clone())
            assert answer.dtype == torch.float32
            torch.testing.assert_close(answer, expected(model, RAMP))


@pytest.mark.long
@pytest.mark.parametrize("kind", [Clipper, Double])
@pytest.mark.filterwarnings("ignore::neutone.errors.WrapperWarning")
def test_the_output_is_right_in_onnx(kind: type[Any], tmp_path: Path) -> None:
    export_onnx(kind(), tmp_path / "model.onnx")
    with neutone.Engine(neutone.load(tmp_path / "model.onnx"), 48_000, 32, 2) as engine:
        for _ in range(2):
            np.testing.assert_allclose(engine.process(RAMP.numpy()), expected(kind(), RAMP).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "habit"),
    [
        (Clipper, r"Clipper\.do_forward_pass\(\) changed x, params\['min'\] in place, and is given copies"),
        (Double, r"Double\.do_forward_pass\(\) returned torch\.float64, which is converted to torch\.float32"),
    ],
)
def test_debug_mode_warns_once_and_keeps_the_input(kind: type[Any], habit: str) -> None:
    model = kind()
    x, params = RAMP.clone(), torch.full((4, 32), 0.25)
    with pytest.warns(WrapperWarning, match=habit) as caught:
        model(x, params)
    assert len(caught) == 1
    assert torch.equal(x, RAMP)
    assert torch.equal(params, torch.full((4, 32), 0.25))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(x, params)


class OlderNames(WaveformToWaveformBase):
    """Has the method names of neutone_sdk 1.0 and 1.1."""

    metadata = ModelMetadata(model_name="Older", native_buffer_sizes=[64, 128])

    def __init__(self) -> None:
        super().__init__()
        self.told: int = 0

    def set_model_buffer_size(self, n_samples: int) -> bool:
        self.told = n_samples
        return True

    @torch.jit.export
    def calc_min_delay_samples(self) -> int:
        return self.told // 2

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


@in_every_form
def test_methods_with_older_names_are_called(form: Callable[[nn.Module], Any]) -> None:
    model = form(OlderNames())
    assert model.set_sample_rate_and_buffer_size(48_000, 128)
    assert model.calc_model_delay_samples() == 64


def test_todays_names_win() -> None:
    class Both(OlderNames):
        def calc_min_delay_samples(self) -> int:
            return 1

        def calc_model_delay_samples(self) -> int:
            return 2

    assert Both().calc_model_delay_samples() == 2


class Late(WaveformToWaveformBase):
    """Describes itself by attributes that it sets last."""

    def __init__(self, name: str, sizes: list[int], reads: str = "") -> None:
        super().__init__()
        self.sizes = sizes
        self.knobs = [ContinuousNeutoneParameter("drive", "gain", 0.5)]
        if reads:
            self.seen = getattr(self, reads)
        self.name = name

    def get_model_name(self) -> str:
        return self.name

    def get_native_buffer_sizes(self) -> list[int]:
        return list(self.sizes)

    def get_neutone_parameters(self) -> list[ContinuousNeutoneParameter]:
        return self.knobs

    def is_input_mono(self) -> bool:
        return len(self.sizes) == 1

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x.repeat(2, 1) * params["drive"]


@in_every_form
def test_metadata_may_depend_on_attributes_that_are_set_last(form: Callable[[nn.Module], Any]) -> None:
    model = form(Late("Late", [32]))
    assert model.to_metadata()["model_name"] == "Late"
    assert model.get_native_buffer_sizes() == [32]
    torch.testing.assert_close(model(RAMP[:1]), 0.5 * RAMP)


def test_a_constructor_may_read_its_own_description() -> None:
    class Early(Late):
        def __init__(self) -> None:
            self.name = "Early"
            super().__init__("Early", [32], reads="in_n_ch")

    assert Early().seen == 1
    with pytest.raises(AttributeError, match="no attribute 'name'"):
        Late("Late", [32], reads="in_n_ch")


def test_errors_in_late_descriptions_are_raised_by_the_constructor() -> None:
    with pytest.raises(MetadataError, match=r"Late\.get_model_name\(\).*30 characters"):
        Late("x" * 31, [])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        Late("Late", [], reads="nothing")
