"""Wrappers written for neutone_sdk work with neutone.compat in its place: in Python, as .nm and as ONNX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import MetadataError, WrapperWarning
from support.older_wrappers import MODELS, Overdrive

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from neutone.compat.audio import AudioSample, AudioSamplePair, render_audio_sample  # noqa: E402
from neutone.compat.utils import load_neutone_model, save_neutone_model  # noqa: E402
from neutone.sdk import export_onnx  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::neutone.errors.WrapperWarning"),
]

RATE, BLOCK, BLOCKS = 48_000, 128, 8


def through_engine(model: Any, audio: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Play the audio twice, with a reset between; both must be the same."""
    with neutone.Engine(neutone.load(model), RATE, BLOCK, len(audio)) as engine:
        answers = []
        for _ in range(2):
            answers.append(np.concatenate([engine.process(b.copy()) for b in np.split(audio, BLOCKS, axis=1)], axis=1))
            engine.reset()
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-7)
    return answers[0]


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_every_form_of_a_wrapper_plays_alike(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.5, 0.5, (model.in_n_ch, BLOCKS * BLOCK)).astype(np.float32)
    expected = through_engine(MODELS[name](), audio)
    assert np.abs(expected).max() > 0.1
    export_onnx(model, tmp_path / "model.onnx")
    report = save_neutone_model(model, tmp_path, dump_samples=True, submission=False, speed_benchmark=False)
    for file in ("model.onnx", "model.nm"):
        np.testing.assert_allclose(through_engine(tmp_path / file, audio), expected, atol=1e-5)
    assert json.loads((tmp_path / "metadata.json").read_text())["model_name"] == model.get_model_name()
    assert {check.name: check.passed for check in report.checks}["saved equals in-memory"]


def test_the_delay_under_its_older_name_is_reported() -> None:
    assert neutone.load(Overdrive(5)).model_delay == 5


def test_tags_that_are_too_long_are_cut() -> None:
    kind = type("Tagged", (Overdrive,), {"get_tags": lambda self: ["subtractive synth", "acid"]})
    with pytest.warns(WrapperWarning, match=r"cut to 15 characters: \['subtractive synth'\]"):
        model = kind()
    assert model.to_metadata()["tags"] == ["subtractive syn", "acid"]
    with pytest.raises(MetadataError, match="get_tags"):
        type("Wrong", (Overdrive,), {"get_tags": lambda self: "acid"})()


def test_attributes_that_wrappers_read() -> None:
    model = Overdrive()
    assert model.neutone_parameter_names == ["depth"]
    assert model.neutone_parameters_metadata["p1"]["default_value"] == 0.5
    assert model.numerical_params_default_values_0to1[:, 0].tolist() == [0.5, 0.0, 0.0, 0.0]
    assert model.agg_params.shape == (4, 1)
    model(torch.zeros(2, 16), torch.full((4, 16), 0.25))
    assert model.remapped_params["depth"].tolist() == [0.25]
    assert model.agg_params[:, 0].tolist() == [0.25] * 4


@pytest.mark.long
def test_the_scripts_around_wrappers_run(tmp_path: Path) -> None:
    model = Overdrive()
    sound = AudioSample(0.1 * torch.randn(2, 9600), RATE)
    rendered = render_audio_sample(model, sound)
    save_neutone_model(
        model,
        tmp_path,
        freeze=False,
        dump_samples=True,
        submission=False,
        audio_sample_pairs=[AudioSamplePair(sound, rendered)],
        speed_benchmark=False,
    )
    loaded, metadata = load_neutone_model(tmp_path / "model.nm")
    assert len(metadata["sample_sound_files"]) == 1
    again = render_audio_sample(loaded, sound)[0]
    torch.testing.assert_close(again.audio, rendered.audio, atol=1e-6, rtol=0)
    assert [sample.sr for sample in rendered] == [44_100]
