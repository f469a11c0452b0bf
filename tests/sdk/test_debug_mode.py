"""Debug mode: the errors for wrapped models that return, or are given, something wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neutone.errors import AudioTypeError, ConfigurationError, InferenceError, ParameterError, ShapeError
from support.described_wrappers import Bare, Everything, Window


@pytest.mark.parametrize(
    ("answer", "error", "complaint"),
    [
        (lambda x: x[0], ShapeError, r"shape \(8,\), expected \(2, 8\): the channel axis is missing"),
        (lambda x: x[None], ShapeError, "a batch axis to squeeze"),
        (lambda x: x.t(), ShapeError, "it is transposed"),
        (lambda x: x[:1], ShapeError, r"is_output_mono\(\) returns False, so it must return 2 channels \(stereo\)"),
        (lambda x: x[:, 2:], ShapeError, "2 frames too few"),
        (lambda x: torch.cat([x, x], 1), ShapeError, "8 frames too many"),
        (lambda x: x.int(), AudioTypeError, "torch.int32, expected torch.float32"),
        (lambda x: (x, x), AudioTypeError, "returned a tuple"),
        (lambda x: x.to("meta"), AudioTypeError, "device meta, but its input is on cpu"),
        (lambda x: torch.log(-x.abs() - 1), InferenceError, "NaN in channel 0, frame 0, though its input is finite"),
        (lambda x: x / torch.tensor([[1.0], [0.0]]), InferenceError, "inf in channel 1, frame 0"),
    ],
)
def test_debug_mode_says_what_is_wrong_with_the_output(
    answer: Callable[[Tensor], Any], error: type[Exception], complaint: str
) -> None:
    wrong = type("Wrong", (Bare,), {"do_forward_pass": lambda self, x, params: answer(x)})
    with pytest.raises(error, match=rf"Wrong\.do_forward_pass\(\).*{complaint}"):
        wrong()(torch.ones(2, 8))


def test_debug_mode_on_a_look_behind_answered_too() -> None:
    class Long(Window):
        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            return x

    with pytest.raises(ShapeError, match=r"return the block alone.*y\[:, 3:\]"):
        Long()(torch.ones(1, 8))


def test_debug_mode_on_wrong_aggregation() -> None:
    class Flat(Bare):
        def aggregate_params(self, params: Tensor) -> Tensor:
            return params.mean(1)

    with pytest.raises(ShapeError, match=r"Flat\.aggregate_params\(\) returned \(4,\), expected \(4, 1\)"):
        Flat()(torch.ones(2, 8))


@pytest.mark.parametrize(
    ("x", "params", "error", "complaint"),
    [
        (torch.ones(1, 8), None, ShapeError, r"shape \(1, 8\), expected \(2, frames\)"),
        (torch.ones(8), None, ShapeError, r"shape \(8,\)"),
        (torch.ones(2, 0), None, ShapeError, "block of 0 frames"),
        (torch.ones(2, 8).double(), None, AudioTypeError, "float64"),
        (np.ones((2, 8), np.float32), None, AudioTypeError, "ndarray"),
        (torch.full((2, 8), torch.inf), None, InferenceError, "the error is in what comes before the model"),
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
    with pytest.raises(ConfigurationError, match=r"does not run at 96000 Hz: .* returns \[44100, 48000\]"):
        model.set_sample_rate_and_buffer_size(96000, 8)
    with pytest.raises(ConfigurationError, match=r"blocks of 16 frames: .* returns \[4, 8\]"):
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
