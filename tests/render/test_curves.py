"""Parameters by name: values, curves and breakpoints, in natural units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import neutone
from neutone.errors import ParameterError, ShapeError, UnknownParameterError
from neutone.rendering.files import write_audio
from support.models import FunctionModel, knob

RATE = 48_000


def show_first(audio: Any, params: Any, out: Any) -> None:
    out[...] = params[0]


def shows(*parameters: dict[str, Any], **settings: Any) -> FunctionModel:
    """A model whose output is its first parameter, 0..1."""
    return FunctionModel(show_first, channels=(1, 1), parameters=parameters, **settings)


MODES = {"type": "categorical", "name": "mode", "n_values": 3, "labels": ["clean", "crunch", "lead"]}
SILENCE = np.zeros(RATE // 10, np.float32)


def test_a_model_is_called_and_lists_its_parameters() -> None:
    model = shows(knob("drive", 6.0, 0.0, 40.0), MODES)
    np.testing.assert_allclose(model(SILENCE, RATE, drive=10), 0.25)
    np.testing.assert_allclose(model(SILENCE, RATE), 0.15)
    assert list(model.parameters) == ["drive", "mode"]
    assert (model.parameters["drive"].max_value, model.parameters["mode"].choices[2]) == (40.0, "lead")
    assert str(model.parameters) == "drive: 0..40, default 6\nmode: clean, crunch, lead, default clean"
    with pytest.raises(UnknownParameterError, match="no parameter 'gain'; the model declares: drive, mode"):
        model(SILENCE, RATE, gain=1.0)
    with pytest.raises(KeyError):
        model.parameters["gain"]


def test_a_parameter_may_be_called_like_an_argument() -> None:
    np.testing.assert_allclose(shows(knob("sample_rate"))(SILENCE, RATE, sample_rate=0.75), 0.75)


def test_one_value_a_frame_in_natural_units() -> None:
    curve = np.linspace(40.0, 0.0, SILENCE.size)
    for form in (curve, curve.astype(np.float32), curve.tolist()):
        out = neutone.render(shows(knob("drive", 6.0, 0.0, 40.0)), SILENCE, RATE, params={"drive": form})
        np.testing.assert_allclose(out, curve / 40.0, atol=1e-6)


@given(
    block=st.integers(1, 700), times=st.lists(st.integers(0, 5_000), min_size=1, max_size=6), seed=st.integers(0, 99)
)
def test_breakpoints_are_straight_lines(block: int, times: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-5.0, 5.0, len(times))
    frames = sorted(set(times))
    points = [(frame / RATE, value) for frame, value in zip(frames, values.tolist(), strict=False)]
    out = neutone.render(shows(knob("x", 0.0, -5.0, 5.0)), SILENCE, RATE, params={"x": points}, block_size=block)
    for frame in range(0, SILENCE.size, 97):  # the line through the points around each frame, from its equation
        before = [(t, v) for (_, v), t in zip(points, frames, strict=True) if t <= frame]
        after = [(t, v) for (_, v), t in zip(points, frames, strict=True) if t > frame]
        if before and after:
            (t0, v0), (t1, v1) = before[-1], after[0]
            expected = v0 + (v1 - v0) * (frame - t0) / (t1 - t0)
        else:
            expected = before[-1][1] if before else after[0][1]
        assert abs(float(out[frame]) - (expected + 5.0) / 10.0) < 1e-5


def test_choices_step_and_the_other_parameters_stay() -> None:
    model = shows(MODES, knob("drive"))
    points = [(0.0, "lead"), (0.02, "clean"), (0.05, 1)]
    out = neutone.render(model, SILENCE, RATE, params={"mode": points, "drive": 0.3})
    np.testing.assert_array_equal(out[:960], 1.0)
    np.testing.assert_array_equal(out[960:2_400], 0.0)
    np.testing.assert_array_equal(out[2_400:], 0.5)
    model = shows(knob("drive"), MODES)
    np.testing.assert_allclose(neutone.render(model, SILENCE, RATE, params={"mode": points, "drive": 0.3}), 0.3)
    labels = np.repeat(["clean", "lead"], SILENCE.size // 2)
    out = neutone.render(shows(MODES), SILENCE, RATE, params={"mode": labels})
    np.testing.assert_array_equal(out, np.repeat([0.0, 1.0], SILENCE.size // 2))


def test_files_follow_curves(tmp_path: Path) -> None:
    write_audio(tmp_path / "in.wav", np.zeros((1, 30_000), np.float32), RATE)
    neutone.render_file(shows(knob("x")), tmp_path / "in.wav", tmp_path / "out.wav", params={"x": [(0, 0), (0.5, 1.0)]})
    out, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(out, np.minimum(np.arange(30_000) / 24_000, 1.0), atol=1e-6)


@pytest.mark.parametrize(
    ("curve", "error", "words"),
    [
        (np.zeros(99), ShapeError, r"the curve of 'x' has shape \(99,\), expected \(4800,\)"),
        (np.zeros((4_800, 3)), ShapeError, r"shape \(4800, 3\)"),
        ([], ShapeError, r"shape \(0,\)"),
        (np.full(4_800, 1.5), ParameterError, "parameter 'x' is 1.5, expected a number from 0 to 1"),
        (np.full(4_800, np.nan), ParameterError, "parameter 'x' is nan"),
        (["a"] * 4_800, ParameterError, "parameter 'x' is 'a'"),
        ([(0.0, 0.5), (0.1, 7.0)], ParameterError, "parameter 'x' is 7.0"),
        ([(0.1, 0.5), (0.0, 0.7)], ParameterError, "expected times from 0 on, in order"),
        ([(-0.1, 0.5)], ParameterError, "expected times from 0 on"),
        ([(np.nan, 0.5)], ParameterError, "expected times from 0 on"),
        ([("now", 0.5)], ParameterError, r"expected \[\(seconds, value\), ...\]"),
        ([(0.0, 0.5, 0.5)], ParameterError, r"expected \[\(seconds, value\), ...\]"),
    ],
)
def test_curves_that_cannot_be(curve: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        neutone.render(shows(knob("x")), SILENCE, RATE, params={"x": curve})


def test_an_array_instead_of_a_number_is_named_by_its_shape() -> None:
    engine = neutone.Engine(shows(knob("x"), MODES), RATE, 64, 1)
    for name in ("x", "mode"):
        with pytest.raises(ParameterError, match=rf"parameter '{name}' is an array of shape \(300,\), expected"):
            engine.parameters[name] = np.zeros(300)  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"wet is an array of shape \(2, 3\)"):
        engine.wet = np.zeros((2, 3))  # type: ignore[assignment]


def test_an_array_for_all_parameters_may_be_of_any_number_type() -> None:
    torch = pytest.importorskip("torch")
    curve = np.linspace(0.0, 1.0, SILENCE.size)[np.newaxis]
    for form in (curve, curve.astype(np.float16), torch.from_numpy(curve)):
        out = neutone.render(shows(knob("x", 0.0, -5.0, 5.0)), SILENCE, RATE, params=form)
        np.testing.assert_allclose(out, curve[0], atol=1e-3)
    for wrong in (curve.astype(complex), curve.astype(str)):
        with pytest.raises(TypeError, match="params holds"):
            neutone.render(shows(knob("x")), SILENCE, RATE, params=wrong)
