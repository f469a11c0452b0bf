"""Wrapping a model: what it says of itself, what it gets, what it answers, and what debug mode says when it is wrong.
Eager and scripted, and saved and loaded again."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import neutone
from neutone.errors import (
    AudioTypeError,
    ConfigurationError,
    InferenceError,
    MetadataError,
    ParameterError,
    ShapeError,
)
from neutone.sdk import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    ModelMetadata,
    NeutoneModel,
    NeutoneParameter,
    TextNeutoneParameter,
    WaveformToWaveformBase,
    load_script,
    quiet_torchscript,
    save_script,
    script,
)
from support.places import PEER_FILES, TESTS
from support.processes import run_python
from support.scripted_forms import FORMS, in_every_form


class Clipper(WaveformToWaveformBase):
    """Ten lines: all of it is stated on the class."""

    metadata = ModelMetadata(
        model_name="Clipper", model_authors=["A"], tags=["distortion"], is_input_mono=True, is_output_mono=True
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 11.0),
        CategoricalNeutoneParameter("mode", "hard or soft", 2, labels=["hard", "soft"]),
    )

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        driven = x * params["drive"]
        return torch.where(params["mode"] > 0, torch.tanh(driven), torch.clip(driven, -1.0, 1.0))


class Bare(WaveformToWaveformBase):
    """Passes stereo on."""

    metadata = ModelMetadata(model_name="Bare")

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


class Everything(WaveformToWaveformBase):
    """All by methods, none of them decorated; an annotation of its own, and attributes made by the constructor."""

    extra: int

    def __init__(self) -> None:
        super().__init__(nn.Conv1d(2, 1, 1))
        self.extra = 3
        self.told = [0, 0]
        self.register_buffer("blocks", torch.zeros(1))

    def get_model_name(self) -> str:
        return "Everything"

    def get_model_authors(self) -> list[str]:
        return [f"author {index}" for index in range(5)]

    def get_technical_links(self) -> dict[str, str]:
        return {"Code": "https://example.org"}

    def get_tags(self) -> list[str]:
        return ["x" * 15] * 7

    def is_experimental(self) -> bool:
        return True

    def get_wet_default_value(self) -> float:
        return 0.75

    def is_output_mono(self) -> bool:
        return True

    def get_native_sample_rates(self) -> list[int]:
        return [44100, 48000]

    def get_native_buffer_sizes(self) -> list[int]:
        return [4, 8]

    def calc_model_delay_samples(self) -> int:
        return self.extra

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.told = [sample_rate, n_samples]
        return True

    def reset_model(self) -> bool:
        self.blocks.zero_()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        self.blocks.add_(1)
        return self.model.forward(x[None])[0] * 0 + self.blocks


class Window(WaveformToWaveformBase):
    """Answers sums over a look-behind of three samples and the sample itself."""

    metadata = ModelMetadata(model_name="Window", is_input_mono=True, is_output_mono=True, look_behind_samples=3)

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x.unfold(1, 4, 1).sum(2)


class Curves(WaveformToWaveformBase):
    """Answers its parameter at sample granularity, after a look-behind of two."""

    metadata = ModelMetadata(
        model_name="Curves",
        is_input_mono=True,
        is_output_mono=True,
        look_behind_samples=2,
        neutone_parameters={"p1": ContinuousNeutoneParameter("level", "", 20.0, 0.0, 80.0)},
    )

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        level = params["level"]
        return level[None, : x.size(1) - 2]


# -- what it gets and answers --------------------------------------------------------------------------------------


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


# -- what hosts and wrappers ask -----------------------------------------------------------------------------------


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


# -- what is wrong with the description ----------------------------------------------------------------------------

LIMITS: dict[str, tuple[Any, str]] = {
    "get_model_name": ("x" * 31, "30 characters"),
    "get_model_authors": (["x"] * 6, "5 items"),
    "get_model_short_description": ("x" * 151, "150 characters"),
    "get_model_long_description": ("x" * 501, "500 characters"),
    "get_technical_description": ("x" * 501, "500 characters"),
    "get_technical_links": ({str(n): "x" for n in range(4)}, "3 items"),
    "get_tags": (["x"] * 8, "7 items"),
    "get_model_version": (1.0, "valid string"),
    "get_citation": ("x" * 301, "300 characters"),
    "is_experimental": ("perhaps", "valid boolean"),
    "get_wet_default_value": (1.5, "less than or equal to 1"),
    "get_dry_default_value": (-0.5, "greater than or equal to 0"),
    "get_input_gain_default_value": (2.0, "less than or equal to 1"),
    "get_output_gain_default_value": (float("nan"), "equal to"),
    "get_native_sample_rates": ([400_000], "384000"),
    "get_native_buffer_sizes": ([65_537], "65536"),
    "get_look_behind_samples": (-1, "greater than or equal to 0"),
    "is_input_mono": (None, "valid boolean"),
}


@pytest.mark.parametrize("method", LIMITS)
def test_a_broken_limit_names_the_method(method: str) -> None:
    answer, complaint = LIMITS[method]
    wrong = type("Wrong", (Bare,), {method: lambda self: answer})
    with pytest.raises(MetadataError, match=rf"^Wrong\.{method}\(\).*{complaint}"):
        wrong()


def test_a_broken_item_is_counted() -> None:
    wrong = type("Wrong", (Bare,), {"get_tags": lambda self: ["fine", "x" * 16]})
    with pytest.raises(MetadataError, match=r"Wrong\.get_tags\(\), item 1: .*15 characters"):
        wrong()


def test_a_name_is_needed() -> None:
    class Nameless(WaveformToWaveformBase):
        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            return x

    with pytest.raises(MetadataError, match=r"Nameless has no name: define get_model_name\(\)"):
        Nameless()


def test_do_forward_pass_is_needed() -> None:
    class Idle(WaveformToWaveformBase):
        metadata = ModelMetadata(model_name="Idle")

    with pytest.raises(TypeError, match="do_forward_pass"):
        Idle()  # type: ignore[abstract]
    assert issubclass(Idle, NeutoneModel)


def knob(name: str = "knob") -> ContinuousNeutoneParameter:
    return ContinuousNeutoneParameter(name, "", 0.5)


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ([knob(str(n)) for n in range(5)], "5 parameters, at most 4"),
        ([knob(), knob()], "two parameters named 'knob'"),
        ([TextNeutoneParameter("words", "")], "'words', a TextNeutoneParameter, expected one of Continuous"),
        ([NeutoneParameter("plain", "")], "'plain', a NeutoneParameter"),
        (["drive"], "answered str"),
        (knob(), "expected a list"),
    ],
)
def test_wrong_parameters(declared: Any, complaint: str) -> None:
    wrong = type("Wrong", (Bare,), {"get_neutone_parameters": lambda self: declared})
    with pytest.raises(MetadataError, match=rf"Wrong\.get_neutone_parameters\(\).*{complaint}"):
        wrong()


def test_parameters_are_listed_once() -> None:
    class Twice(Curves):
        neutone_parameters: ClassVar[Sequence[NeutoneParameter]] = [knob()]

    with pytest.raises(MetadataError, match="lists parameters twice"):
        Twice()


def test_metadata_of_another_type() -> None:
    with pytest.raises(MetadataError, match=r"Wrong\.metadata is a dict"):
        type("Wrong", (Bare,), {"metadata": {"model_name": "x"}})()


# -- what debug mode says ------------------------------------------------------------------------------------------


def in_place(x: Tensor) -> Tensor:
    return x.mul_(0.5)


@pytest.mark.parametrize(
    ("answer", "error", "complaint"),
    [
        (lambda x: x[0], ShapeError, r"shape \(8,\), expected \(2, 8\): the channel axis is missing"),
        (lambda x: x[None], ShapeError, "a batch axis to squeeze"),
        (lambda x: x.t(), ShapeError, "it is transposed"),
        (lambda x: x[:1], ShapeError, r"is_output_mono\(\) answers False, so it owes 2 channels \(stereo\)"),
        (lambda x: x[:, 2:], ShapeError, "2 frames too few"),
        (lambda x: torch.cat([x, x], 1), ShapeError, "8 frames too many"),
        (lambda x: x.double(), AudioTypeError, "torch.float64, expected torch.float32"),
        (lambda x: (x, x), AudioTypeError, "answered a tuple"),
        (lambda x: x.to("meta"), AudioTypeError, "device meta, but its input is on cpu"),
        (lambda x: torch.log(-x.abs() - 1), InferenceError, "NaN in channel 0, frame 0, though its input is finite"),
        (lambda x: x / torch.tensor([[1.0], [0.0]]), InferenceError, "inf in channel 1, frame 0"),
        (in_place, InferenceError, "changed its input x in place"),
    ],
)
def test_debug_mode_says_what_the_answer_lacks(
    answer: Callable[[Tensor], Any], error: type[Exception], complaint: str
) -> None:
    wrong = type("Wrong", (Bare,), {"do_forward_pass": lambda self, x, params: answer(x)})
    with pytest.raises(error, match=rf"Wrong\.do_forward_pass\(\).*{complaint}"):
        wrong()(torch.ones(2, 8))


def test_debug_mode_on_a_look_behind_answered_too() -> None:
    class Long(Window):
        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            return x

    with pytest.raises(ShapeError, match=r"answer the block alone.*y\[:, 3:\]"):
        Long()(torch.ones(1, 8))


def test_debug_mode_on_changed_parameters() -> None:
    class Greedy(WaveformToWaveformBase):
        metadata = ModelMetadata(model_name="Greedy")
        neutone_parameters = (knob(),)

        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            params["knob"].zero_()
            return x

    with pytest.raises(InferenceError, match=r"changed params\['knob'\] in place"):
        Greedy()(torch.ones(2, 8))


def test_debug_mode_on_wrong_aggregation() -> None:
    class Flat(Bare):
        def aggregate_params(self, params: Tensor) -> Tensor:
            return params.mean(1)

    with pytest.raises(ShapeError, match=r"Flat\.aggregate_params\(\) answered \(4,\), expected \(4, 1\)"):
        Flat()(torch.ones(2, 8))


@pytest.mark.parametrize(
    ("x", "params", "error", "complaint"),
    [
        (torch.ones(1, 8), None, ShapeError, r"shape \(1, 8\), expected \(2, frames\)"),
        (torch.ones(8), None, ShapeError, r"shape \(8,\)"),
        (torch.ones(2, 0), None, ShapeError, "block of 0 frames"),
        (torch.ones(2, 8).double(), None, AudioTypeError, "float64"),
        (np.ones((2, 8), np.float32), None, AudioTypeError, "ndarray"),
        (torch.full((2, 8), torch.inf), None, InferenceError, "the fault lies before the model"),
        (torch.ones(2, 8), torch.zeros(2, 8), ShapeError, r"params of shape \(2, 8\), expected \(4, 8\)"),
        (torch.ones(2, 8), torch.zeros(4, 1), ShapeError, r"params of shape \(4, 1\)"),
        (torch.ones(2, 8), torch.zeros(4, 8).double(), AudioTypeError, "params of type torch.float64"),
        (torch.ones(2, 8), torch.full((4, 8), 2.0), ParameterError, r"outside 0\.\.1"),
        (torch.ones(2, 8), torch.full((4, 8), torch.nan), ParameterError, "NaN"),
    ],
)
def test_debug_mode_on_what_the_model_is_given(x: Any, params: Any, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=f"Bare was given .*{complaint}"):
        Bare()(x, params)


def test_debug_mode_on_settings() -> None:
    model = Everything()
    with pytest.raises(ConfigurationError, match=r"does not run at 96000 Hz: .* answers \[44100, 48000\]"):
        model.set_sample_rate_and_buffer_size(96000, 8)
    with pytest.raises(ConfigurationError, match=r"blocks of 16 frames: .* answers \[4, 8\]"):
        model.set_sample_rate_and_buffer_size(48000, 16)
    with pytest.raises(ShapeError, match="a block of 5 frames"):
        model(torch.zeros(2, 5))
    bare = Bare()
    bare.set_sample_rate_and_buffer_size(48000, 64)
    bare(torch.zeros(2, 63))
    with pytest.raises(ShapeError, match=r"block of 65 frames .* announced 64"):
        bare(torch.zeros(2, 65))


def test_debug_mode_ends_with_preparation() -> None:
    model = type("Wrong", (Bare,), {"do_forward_pass": lambda self, x, params: x[0]})()
    assert model.use_debug_mode
    model.prepare_for_inference()
    assert not model.use_debug_mode
    assert model(torch.ones(2, 8)).shape == (8,)
    assert Bare(use_debug_mode=False)(torch.zeros(1, 8)).shape == (1, 8)


def test_the_model_is_in_eval_mode() -> None:
    model = Bare(nn.Dropout())
    assert not model.model.training
    model.train()
    model.prepare_for_inference()
    assert not model.training
    assert not model.model.training


# -- wrappers written for neutone_sdk 1.5.2 ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ported(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The peer's models with the name of the package changed in the import line, and nothing else."""
    source = (TESTS / "support" / "peer_models.py").read_text(encoding="utf-8")
    assert source.count("from neutone_sdk import") == 1
    path = tmp_path_factory.mktemp("ported") / "ported_models.py"
    path.write_text(source.replace("from neutone_sdk import", "from neutone.sdk import"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("ported_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ported_models"] = module  # where TorchScript looks for annotations
    spec.loader.exec_module(module)
    return module


@in_every_form
@pytest.mark.parametrize("name", ["shaper", "lookbehind", "lstm_amp"])
def test_a_ported_wrapper_answers_as_the_peer(name: str, form: Callable[[nn.Module], Any], ported: ModuleType) -> None:
    with np.load(PEER_FILES / f"{name}.npz") as reference:
        rate, size = int(reference["rate"]), int(reference["size"])
        audio, expected = torch.from_numpy(reference["audio"]), torch.from_numpy(reference["expected"])
        params = torch.from_numpy(reference["params"])[:, None].repeat(1, size)
    model = form(ported.MODELS[name]())
    model.set_sample_rate_and_buffer_size(rate, size)
    with torch.no_grad():
        for _ in range(2):  # reset really resets
            model.reset()
            answers = torch.cat([model(block, params) for block in audio.split(size, dim=1)], dim=1)
            torch.testing.assert_close(answers, expected, atol=1e-6, rtol=0)


# -- the package ---------------------------------------------------------------------------------------------------


def test_neutone_itself_does_without_torch() -> None:
    assert run_python("import neutone, sys; print('torch' in sys.modules)") == "False"


def test_without_torch_the_extra_is_named() -> None:
    message = run_python(
        "import sys; sys.modules['torch'] = None\n"
        "import neutone.errors\n"
        "try:\n    import neutone.sdk\n"
        "except neutone.errors.MissingExtraError as error:\n    print(error)"
    )
    assert 'pip install "neutone[torch]"' in message


def test_files_inside_a_script() -> None:
    file = io.BytesIO()
    save_script(script(Bare()), file, {"metadata.json": "{}"})
    file.seek(0)
    module, files = load_script(file, ["metadata.json", "missing"])
    assert files == {"metadata.json": b"{}", "missing": b""}
    assert module.realtime is True


def test_only_the_announcements_of_torchscript_are_silenced() -> None:
    class Loud(Bare):
        def prepare_for_inference(self) -> None:
            super().prepare_for_inference()
            torch.jit.script(nn.Identity())

    with pytest.raises(DeprecationWarning, match=r"torch\.jit\.script"):
        script(Loud())
