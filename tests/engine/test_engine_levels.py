"""Levels and channels of an engine: gains, wet and dry, and how host channels are mapped to model channels."""

import numpy as np
import pytest

import neutone
from neutone import Engine
from support.models import FunctionModel, knob, noise, run


def test_dry_is_the_input_delayed_alike():
    engine = Engine(FunctionModel(rates=[44_100], blocks=[512], delay=100), 48_000, 128, 2)
    engine.wet, engine.dry, engine.input_gain_db = 0.0, 1.0, 12.0
    audio = noise(2, 128 * 40)
    out = run(engine, audio)
    delay = engine.latency.total
    assert engine.latency.model == round(100 * 48_000 / 44_100)
    assert not out[:, :delay].any()
    np.testing.assert_array_equal(out[:, delay:], audio[:, :-delay])


def test_gains_are_decibels():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    audio = noise(2, 64)
    engine.input_gain_db, engine.output_gain_db, engine.wet = 6.0, -12.0, 0.5
    np.testing.assert_allclose(engine.process(audio), audio * 0.5 * 10 ** (-6 / 20), rtol=1e-5)


def test_a_change_of_level_is_a_ramp():
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    ones = np.ones((2, 64), np.float32)
    engine.process(ones)
    engine.wet = 0.0
    np.testing.assert_allclose(engine.process(ones)[0], 1 - np.arange(1, 65) / 64, atol=1e-6)
    assert not engine.process(ones).any()


def test_levels_start_at_the_models_own():
    model = FunctionModel()
    model.metadata = model.metadata.model_copy(
        update={"wet_default_value": 0.5, "dry_default_value": 0.25, "input_gain_default_value": 0.6}
    )
    engine = Engine(model)
    assert (engine.wet, engine.dry, engine.output_gain_db) == (0.5, 0.25, 0.0)
    assert engine.input_gain_db == pytest.approx(6.0)


@pytest.mark.parametrize("host", [1, 2, 3, 5])
@pytest.mark.parametrize("model", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 5)])
def test_channel_mapping(host, model):
    def fold(rows, count):
        return np.stack(
            [
                rows[[a for a in range(len(rows)) if a % count == b]].mean(0) if b < len(rows) else rows[b % len(rows)]
                for b in range(count)
            ]
        )

    engine = Engine(FunctionModel(channels=model), 48_000, 32, host)
    audio = noise(host, 32)
    inside = fold(audio, model[0])
    answered = np.stack([inside[channel % model[0]] for channel in range(model[1])])
    np.testing.assert_allclose(engine.process(audio), fold(answered, host), atol=1e-6)


@pytest.mark.parametrize("level", [True, "1", b"1", None, 1.5, float("nan")])
def test_a_level_is_a_number_in_its_range(level):
    engine = Engine(FunctionModel(), 48_000, 64, 2)
    with pytest.raises(neutone.errors.ConfigurationError, match=r"wet is .*, expected a number from 0 to 1"):
        engine.wet = level
    assert engine.wet == 1.0


def test_odd_taps_are_named():
    with pytest.raises(neutone.errors.ConfigurationError, match="taps is 7, expected an even number from 8 to 128"):
        Engine(FunctionModel(rates=[44_100]), 48_000, 64, 2, taps=7)


def test_curves_of_another_type_are_told_by_their_axes():
    engine = Engine(FunctionModel(parameters=[knob("a")]), 48_000, 64, 2)
    with pytest.raises(TypeError, match=r"params is float64 \(1, 64\), expected float32 \(parameters, frames\)"):
        engine.process(noise(2, 64), params=np.zeros((1, 64)))
