"""Wrapping a model: its input, its output, and what hosts can ask it.

Every test runs eager and scripted, and saved and loaded again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import neutone
from neutone.sdk import ModelMetadata, WaveformToWaveformBase, quiet_torchscript, script
from support.described_wrappers import Bare, Clipper, Curves, Everything, Window
from support.scripted_forms import FORMS, in_every_form

# -- input and output --------------------------------------------------------------------------------------------------


@in_every_form
def test_parameters_arrive_in_natural_units(form: Callable[[nn.Module], Any]) -> None:
    model = form(Clipper())
    x = torch.tensor([[0.0625, -0.25, 0.5]])
    assert torch.allclose(model(x), torch.tensor([[0.125, -0.5, 1.0]]), atol=1e-6)  # the defaults
    params = torch.zeros(4, 3)
    params[0] = torch.tensor([0.0, 0.2, 0.4])  # the mean, 0.2, means a drive of 3
    params[1] = 0.8  # the nearest choice is soft
    assert torch.allclose(model(x, params), torch.tanh(3.0 * x), atol=1e-6)


@in_every_form
def test_parameters_at_sample_granularity_keep_their_own_past(form: Callable[[nn.Module], Any]) -> None:
    model = form(Curves())
    params = torch.zeros(4, 3)
    params[0] = torch.tensor([0.0, 0.5, 1.0])
    x = torch.zeros(1, 3)
    assert model(x, params).tolist() == [[20.0, 20.0, 0.0]]
    assert model(x, params).tolist() == [[40.0, 80.0, 0.0]]
    model.reset()
    assert model(x, params).tolist() == [[20.0, 20.0, 0.0]]


@pytest.fixture(scope="module")
def windows() -> dict[str, Any]:
    return {name: form(Window()) for name, form in FORMS.items()}


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), name=st.sampled_from(list(FORMS)))
def test_look_behind_does_not_depend_on_how_the_signal_is_cut(
    windows: dict[str, Any], sizes: list[int], name: str
) -> None:
    model = windows[name]
    model.reset()
    audio = torch.arange(1.0, sum(sizes) + 1.0)[None]
    with torch.no_grad():
        answers = torch.cat([model(block) for block in audio.split(sizes, dim=1)], dim=1)
    padded = nn.functional.pad(audio, (3, 0))
    assert torch.equal(answers, padded.unfold(1, 4, 1).sum(2))


def test_a_new_block_size_forgets_the_look_behind() -> None:
    model = script(Window())
    model(torch.ones(1, 4))
    model.set_sample_rate_and_buffer_size(48000, 2)
    assert model(torch.ones(1, 2)).tolist() == [[1.0, 2.0]]


def test_process_window_leaves_the_audio_look_behind_to_the_caller() -> None:
    model = Window()
    assert model.process_window(torch.ones(1, 5), torch.zeros(4, 2)).tolist() == [[4.0, 4.0]]
    assert model(torch.ones(1, 1)).tolist() == [[1.0]]


def test_answers_are_not_overwritten_by_the_next_block() -> None:
    class Latest(WaveformToWaveformBase):
        metadata = ModelMetadata(model_name="Latest", look_behind_samples=2)

        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            return x[:, 2:]

    model = script(Latest())
    first = model(torch.ones(2, 3))
    model(torch.zeros(2, 3))
    assert torch.equal(first, torch.ones(2, 3))


@in_every_form
def test_settings_and_reset_reach_the_model(form: Callable[[nn.Module], Any]) -> None:
    model = form(Everything())
    assert model.set_sample_rate_and_buffer_size(44100, 8) is True
    assert list(model.told) == [44100, 8]
    x = torch.zeros(2, 8)
    assert [model(x)[0, 0].item() for _ in range(3)] == [1.0, 2.0, 3.0]
    assert model.reset() is True
    assert model(x)[0, 0].item() == 1.0
    assert model.calc_model_delay_samples() == 3
    model.set_daw_sample_rate_and_buffer_size(48000, 4)
    assert list(model.told) == [48000, 4]


def test_a_model_without_reset_says_so() -> None:
    model = Bare()
    assert model.reset() is False
    assert model.set_sample_rate_and_buffer_size(48000, 64) is False


# -- what hosts and wrappers call --------------------------------------------------------------------------------------


@in_every_form
def test_the_surface_of_a_wrapped_model(form: Callable[[nn.Module], Any]) -> None:
    model = form(Everything())
    assert model.realtime is True
    assert model.is_input_mono() is False
    assert model.is_output_mono() is True
    assert model.is_resampling() is False
    assert model.get_native_sample_rates() == [44100, 48000]
    assert model.get_native_buffer_sizes() == [4, 8]
    assert model.get_look_behind_samples() == 0
    assert model.get_wet_default_value() == 0.75
    assert model.get_dry_default_value() == 0.0
    assert model.get_input_gain_default_value() == model.get_output_gain_default_value() == 0.5
    for name in model.get_preserved_attributes():
        assert hasattr(model, name), name


@in_every_form
def test_default_values_are_four_rows_of_units(form: Callable[[nn.Module], Any]) -> None:
    model = form(Clipper())
    for values in (model.get_default_param_values(), model.get_numerical_params_default_values_0to1()):
        assert values.dtype == torch.float32
        assert values.shape == (4, 1)
        assert torch.allclose(values.flatten(), torch.tensor([0.1, 0.0, 0.0, 0.0]))


@in_every_form
@pytest.mark.parametrize("make", [Clipper, Bare, Everything, Curves])
def test_metadata(make: Callable[[], WaveformToWaveformBase], form: Callable[[nn.Module], Any]) -> None:
    model = form(make())
    metadata = model.to_metadata()
    assert metadata == json.loads(model.get_metadata_json())
    assert set(model.to_core_metadata()) < set(metadata)
    assert metadata["model_name"] == make.__name__  # type: ignore[attr-defined]
    assert metadata["sdk_version"] == neutone.__version__
    assert metadata["pytorch_version"] == str(torch.__version__)
    assert metadata["date_created"] > 1.7e9
    assert metadata["neutone_parameters"] == model.get_neutone_parameters_metadata()
    schema = ModelMetadata(**metadata)
    assert schema.model_type == metadata["model_type"]
    assert set(schema.to_json_dict()) == {*metadata, "sample_sound_files", "model_delay_samples"}


def test_metadata_from_methods() -> None:
    metadata = Everything().to_metadata()
    assert metadata["model_authors"][4] == "author 4"
    assert metadata["technical_links"] == {"Code": "https://example.org"}
    assert metadata["is_experimental"] is True
    assert metadata["native_buffer_sizes"] == [4, 8]
    assert metadata["wet_default_value"] == 0.75
    assert metadata["model_type"] == "stereo-mono"


def test_a_method_wins_over_the_class() -> None:
    class Renamed(Clipper):
        def get_model_name(self) -> str:
            return "Renamed"

    metadata = Renamed().to_metadata()
    assert metadata["model_name"] == "Renamed"
    assert metadata["tags"] == ["distortion"]


def test_frozen_modules_keep_what_hosts_call() -> None:
    scripted = script(Clipper())
    with quiet_torchscript():
        frozen = torch.jit.freeze(scripted, preserved_attrs=scripted.get_preserved_attributes())
    for name in scripted.get_preserved_attributes():
        assert hasattr(frozen, name), name
    x = torch.rand(1, 5)
    assert torch.allclose(frozen(x), scripted(x))


@in_every_form
def test_state_is_the_models_and_the_look_behind(form: Callable[[nn.Module], Any]) -> None:
    assert dict(form(Clipper()).named_buffers()) == {}
    assert {tuple(buffer.shape) for buffer in form(Window()).buffers()} == {(1, 3), (4, 3)}


def test_checkpoints_hold_weights_alone() -> None:
    assert set(Window().state_dict()) == set()
    assert set(Everything().state_dict()) == {"blocks", "model.weight", "model.bias"}
