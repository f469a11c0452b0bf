"""`render` and calls of a model take arrays as other libraries make them, and return the same kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neutone
from neutone.errors import AudioTypeError, ClippedAudioWarning, ConfigurationError, ShapeError
from support.models import FunctionModel, knob, multiply, noise

AUDIO = noise(2, 1_000)


def half() -> FunctionModel:
    return FunctionModel(multiply, parameters=[knob(default=0.5)])


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f2", "f8", "<i2", ">i2", "i1", "i4", "u1"])
def test_the_dtype_that_came_in_comes_out(dtype: str) -> None:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        given, step = AUDIO.astype(kind), 2.0**-12
        expected = given.astype(np.float64) / 2
    else:
        full = 2.0 ** (8 * kind.itemsize - 1)
        zero, step = (full if kind.kind == "u" else 0.0), 1.0
        given = np.round(AUDIO.astype(np.float64) * (full - 1) + zero).astype(kind)
        expected = (given.astype(np.float64) - zero) / 2 + zero
        step = max(1.0, full * 2.0**-24)  # float32 has 24 bits
    out = neutone.render(half(), given, 48_000)
    assert out.dtype == kind
    np.testing.assert_allclose(out.astype(np.float64), expected, rtol=0, atol=step)


@given(samples=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=300))
def test_int16_passes_unchanged(samples: list[int]) -> None:
    given = np.array(samples, np.int16)
    np.testing.assert_array_equal(neutone.render(FunctionModel(channels=(1, 1)), given, 48_000), given)


def test_lists_are_what_numpy_makes_of_them() -> None:
    out = neutone.render(half(), [[0.5, -0.5], [0.25, 1.0]], 48_000)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, [[0.25, -0.25], [0.125, 0.5]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16", "int16"])
def test_a_tensor_comes_back_as_a_tensor(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    kind = getattr(torch, dtype)
    given = torch.tensor([[8, -16, 32], [64, -128, 256]]) if dtype == "int16" else torch.tensor([[0.5, -0.25, 1.0]])
    given = given.to(kind)
    if kind.is_floating_point:
        given.requires_grad_()
    out = neutone.render(half(), given, 48_000)
    assert isinstance(out, torch.Tensor)
    assert out.dtype == kind
    assert torch.equal(out, given.detach() / 2 if kind.is_floating_point else (given // 2))


def test_frames_first_is_said_and_comes_back() -> None:
    model = FunctionModel(multiply, parameters=[knob(default=0.5)])
    out = neutone.render(model, AUDIO.T, 48_000, layout="frames-first")
    np.testing.assert_array_equal(out, AUDIO.T / 2)
    assert out.flags.c_contiguous
    few = np.zeros((2, 1), np.float32)  # two channels of one frame
    assert neutone.render(model, few, 48_000).shape == (2, 1)
    many = np.zeros((20, 3), np.float32)
    assert neutone.render(model, many, 48_000, layout="channels-first").shape == (20, 3)


@pytest.mark.parametrize("shape", [(48_000, 2), (500, 2), (9, 1)])
def test_a_transposed_shape_is_refused_and_the_layout_named(shape: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"transposed\? Then give layout='frames-first'"):
        neutone.render(FunctionModel(), np.zeros(shape, np.float32), 48_000)
    with pytest.raises(ShapeError, match="layout='channels-first'"):
        neutone.render(FunctionModel(), np.zeros((2, 2_000), np.float32), 48_000, layout="frames-first")
    with pytest.raises(ConfigurationError, match="layout is 'planar', expected one of channels-first, frames-first"):
        neutone.render(FunctionModel(), AUDIO, 48_000, layout="planar")


def test_integers_without_a_full_scale_name_the_conversion() -> None:
    with pytest.raises(AudioTypeError, match=r"int64, whose full scale is not known.*astype\(numpy\.int16\)"):
        neutone.render(FunctionModel(), np.zeros((2, 10), np.int64), 48_000)


@pytest.mark.parametrize("rate", [48_000.0, np.float64(48_000), np.float32(48_000), np.int32(48_000)])
def test_whole_float_rates(rate: Any) -> None:
    np.testing.assert_array_equal(neutone.render(FunctionModel(), AUDIO, rate), AUDIO)
    assert type(neutone.Engine(FunctionModel(), rate).sample_rate) is int


@pytest.mark.parametrize("rate", [48_000.5, float("nan"), float("inf"), "48000", None])
def test_other_rates_are_refused(rate: Any) -> None:
    with pytest.raises(ConfigurationError, match="sample_rate is"):
        neutone.render(FunctionModel(), AUDIO, rate)


def test_integers_clip_at_full_scale_and_say_so() -> None:
    model = FunctionModel(lambda audio, params, out: np.multiply(audio, 4.0, out=out), channels=(1, 1))
    given = np.array([8_000, 10_000, -20_000, 0], np.int16)
    with pytest.warns(
        ClippedAudioWarning, match=r"2 samples clipped, by up to 7\.8 dB; output_gain_db=-7\.8 .*float32"
    ):
        out = neutone.render(model, given, 48_000)
    np.testing.assert_array_equal(out, [32_000, 32_767, -32_768, 0])
    assert neutone.render(model, given.astype(np.float64) / 32_768, 48_000).max() > 1.0
    neutone.render(model, given, 48_000, output_gain_db=-7.8)  # what the warning says avoids it


@pytest.mark.parametrize(
    ("audio", "cure"),
    [
        (AUDIO.astype(np.float64), r"audio\.astype\(numpy\.float32\)"),
        (np.zeros((2, 1_000), np.int16), r"\(audio / 32768\)\.astype\(numpy\.float32\)"),
        (AUDIO[0], r"audio\[numpy\.newaxis\]"),
        (AUDIO.tolist(), r"numpy\.asarray\(audio, numpy\.float32\)"),
        (AUDIO.T, r"audio\.T"),
    ],
)
def test_process_stays_strict_and_says_how_to_convert(audio: Any, cure: str) -> None:
    engine = neutone.Engine(FunctionModel(), 48_000, 1_000, 2)
    with pytest.raises((TypeError, ValueError), match=cure):
        engine.process(audio)
