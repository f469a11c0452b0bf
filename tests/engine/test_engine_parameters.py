"""Parameters of an engine: natural units, ramps, and curves with a value for each frame."""

import numpy as np
import pytest

from neutone import Engine, errors
from support.models import FunctionModel, knob, multiply, noise, run


def test_scalars_ramp_over_one_block():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.25)]), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    np.testing.assert_array_equal(engine.process(ones), 0.25)
    engine.parameters["amount"] = 0.75
    ramp = 0.25 + 0.5 * np.arange(1, 65) / 64
    np.testing.assert_allclose(engine.process(ones), np.stack([ramp, ramp]), atol=1e-6)
    np.testing.assert_array_equal(engine.process(ones), 0.75)


def test_values_set_before_the_first_block_hold_from_its_first_frame():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.25)]), 48_000, 64, 2)
    np.testing.assert_array_equal(engine.process(np.ones((2, 64), np.float32), params={"amount": 1.0}), 1.0)


def test_curves_act_on_their_own_frame():
    engine = Engine(FunctionModel(multiply, parameters=[knob(), knob("other")], blocks=[100]), 48_000, 64, 2)
    audio, curves = noise(2, 64 * 50), np.random.default_rng(1).random((2, 64 * 50), np.float32)
    out = run(engine, audio, curves)
    delay = engine.latency.total
    np.testing.assert_allclose(out[:, delay:], (audio * curves[0])[:, :-delay], atol=1e-7)


def test_after_a_curve_scalars_ramp_from_its_end():
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.0)]), 48_000, 4, 2)
    ones = np.ones((2, 4), np.float32)
    engine.process(ones, params=np.full((1, 4), 0.8, np.float32))
    np.testing.assert_allclose(engine.process(ones)[0], [0.6, 0.4, 0.2, 0.0], atol=1e-6)


def test_natural_units_and_labels():
    seen = []
    model = FunctionModel(
        lambda audio, params, out: seen.append(params[:, -1].copy()),
        parameters=[
            knob("gain", 6.0, -10.0, 30.0),
            {"type": "categorical", "name": "mode", "n_values": 3, "default_value": 1, "labels": ["a", "b", "c"]},
        ],
    )
    engine = Engine(model, 48_000, 16, 2)
    silence = np.zeros((2, 16), np.float32)
    assert dict(engine.parameters) == {"gain": 6.0, "mode": "b"}
    engine.process(silence)
    engine.process(silence, params={"gain": 20, "mode": "c"})
    engine.parameters["mode"] = 0
    engine.process(silence)
    np.testing.assert_allclose(seen, [[0.4, 0.5], [0.75, 1.0], [0.75, 0.0]], atol=1e-6)
    assert engine.parameters["gain"] == pytest.approx(20)
    assert engine.parameters["mode"] == "a"
    del engine.parameters["gain"]
    assert engine.parameters["gain"] == pytest.approx(6)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"amount": float("nan")}, ValueError, ["amount", "nan", "0 to 1"]),
        ({"amount": 1.5}, ValueError, ["amount", "1.5"]),
        ({"amount": "loud"}, ValueError, ["amount", "loud"]),
        ({"amount": None}, ValueError, ["amount", "None"]),
        ({"volume": 0.5}, KeyError, ["volume", "amount"]),
        ({"amount": 0.9, "volume": 0.5}, KeyError, ["volume"]),
        (np.zeros((2, 64), np.float32), ValueError, ["(2, 64)", "(1, 64)"]),
        (np.zeros((1, 63), np.float32), ValueError, ["(1, 63)", "(1, 64)"]),
        (np.zeros((1, 64)), TypeError, ["float64"]),
        (np.full((1, 64), np.nan, np.float32), ValueError, ["NaN"]),
        (0.5, TypeError, ["float"]),
    ],
)
def test_wrong_params_are_refused_and_change_nothing(params, error, words):
    engine = Engine(FunctionModel(multiply, parameters=[knob(default=0.5)]), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    with pytest.raises(error) as caught:
        engine.process(ones, params=params)
    assert isinstance(caught.value, errors.NeutoneError)
    for word in words:
        assert word in str(caught.value)
    np.testing.assert_array_equal(engine.process(ones), 0.5)


def test_curves_outside_0_to_1_are_clamped():
    engine = Engine(FunctionModel(multiply, parameters=[knob()]), 48_000, 4, 2)
    curve = np.array([[-1.0, 0.5, 1.0000001, np.inf]], np.float32)
    np.testing.assert_array_equal(engine.process(np.ones((2, 4), np.float32), params=curve)[0], [0, 0.5, 1, 1])


def test_parameters_cannot_be_removed_but_put_back():
    engine = Engine(FunctionModel(parameters=[knob(default=0.25), knob("other", 0.5)]), 48_000, 64, 2)
    engine.parameters.update(amount=1.0, other=1.0)
    assert engine.parameters.pop("amount") == 1.0
    assert engine.parameters["amount"] == 0.25
    engine.parameters.clear()
    assert dict(engine.parameters) == {"amount": 0.25, "other": 0.5}
    with pytest.raises(KeyError, match="cannot be removed"):
        engine.parameters.popitem()
