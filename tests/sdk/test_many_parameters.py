"""More than four parameters: in ONNX files and in the backend for wrappers, but not in ``.nm`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone import ModelMetadata
from neutone.errors import ConfigurationError
from support.models import noise

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase, export_onnx, save_neutone_model  # noqa: E402

BANDS = 6


class Mixer(WaveformToWaveformBase):
    """Adds up delayed copies of the input, each with a level of its own."""

    metadata = ModelMetadata(model_name="Mixer", look_behind_samples=BANDS, is_input_mono=True, is_output_mono=True)
    neutone_parameters = [ContinuousNeutoneParameter(f"level {n}", "", n / 8, 0.0, 2.0) for n in range(BANDS)]  # noqa: RUF012

    def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
        frames = x.size(1) - 6
        out = x[:, 6:] * params["level 0"]
        for n in range(1, 6):
            out = out + x[:, 6 - n : 6 - n + frames] * params[f"level {n}"]
        return out

    def get_look_behind_samples(self) -> int:
        return BANDS

    def is_input_mono(self) -> bool:
        return True

    def is_output_mono(self) -> bool:
        return True


def expected(audio: Any, levels: list[float]) -> Any:
    padded = np.concatenate([np.zeros(BANDS, np.float32), audio[0]])
    return sum(level * padded[BANDS - n : BANDS - n + audio.shape[1]] for n, level in enumerate(levels))[np.newaxis]


def test_six_parameters_in_onnx_and_in_python(tmp_path: Path) -> None:
    wrapper = Mixer()
    export_onnx(wrapper, tmp_path / "model.onnx")
    audio, levels = noise(1, 3_000), [0.5, 1.5, 0.25, 2.0, 0.75, 1.0]
    values = {f"level {n}": level for n, level in enumerate(levels)}
    for model in (neutone.load(wrapper), neutone.load(tmp_path / "model.onnx")):
        assert len(model.parameters) == BANDS
        # A wrapper averages parameters over its look-behind, too, which holds the defaults at first.
        later = np.s_[:, 2_048:]
        np.testing.assert_allclose(model(audio, 48_000, **values)[later], expected(audio, levels)[later], atol=1e-5)
        defaults = [n / 8 for n in range(BANDS)]
        np.testing.assert_allclose(model(audio, 48_000), expected(audio, defaults), atol=1e-5)


def test_a_nm_file_says_that_it_holds_four(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Mixer has 6 parameters, and a \.nm file holds 4.*ONNX"):
        save_neutone_model(Mixer(), tmp_path / "out")
    assert not list(tmp_path.rglob("*.nm"))
