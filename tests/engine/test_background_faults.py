"""Engines in the background: faults of a model or a caller are reported, and stop nothing."""

import numpy as np
import pytest

from neutone import Engine, errors
from support.background import BLOCK, background
from support.models import FunctionModel, noise, run


def test_a_model_that_raises_is_silence_and_shows_in_error():
    fails = True

    def body(audio, params, out):
        if fails:
            raise OSError("no such luck")
        out[...] = audio

    with background(FunctionModel(body, channels=(1, 1))) as engine:
        audio = noise(1, BLOCK * 4)
        assert engine.error is None
        assert not run(engine, audio).any()
        assert isinstance(engine.error, errors.InferenceError)
        assert "no such luck" in str(engine.error)
        assert engine.stats.failed_blocks == 4
        fails = False
        run(engine, audio)
        np.testing.assert_array_equal(run(engine, audio)[:, BLOCK:], audio[:, :-BLOCK])
        engine.reset()
        assert engine.error is None


def test_nan_from_the_model_is_silence():
    def body(audio, params, out):
        out[...] = audio
        out[0, 3] = np.nan

    model = FunctionModel(body, channels=(1, 1))
    with background(model) as engine:
        out = run(engine, np.ones((1, BLOCK * 8), np.float32))
        assert np.isfinite(out).all()
        assert engine.stats.nonfinite_output == 8
        assert model.sessions[-1].resets >= 7


def test_wrong_blocks_are_the_callers_errors():
    with background(channels=2, model=FunctionModel()) as engine:
        for shape in ((2, 63), (2, 65), (1, 64)):
            with pytest.raises(ValueError, match="expected"):
                engine.process(np.zeros(shape, np.float32))
        with pytest.raises(TypeError):
            engine.process(np.zeros((2, 64)))
        assert engine.process(np.zeros((2, 64), np.float32)).shape == (2, 64)


@pytest.mark.parametrize(
    "options", [{"slack": -1}, {"slack": 1.5}, {"slack": True}, {"slack": 2000}, {"late": "never"}, {"late": []}]
)
def test_options_out_of_range(options):
    with pytest.raises(errors.ConfigurationError, match="expected"):
        background(**options)


def test_no_slack_needs_a_native_session():
    model = FunctionModel(channels=(1, 1))
    with pytest.raises(errors.ConfigurationError, match="native"):
        background(model, slack=0)
    assert model.sessions[-1].closed


def test_live_properties_need_the_background():
    engine = Engine(FunctionModel(), 48_000, BLOCK, 2)
    assert engine.live is None
    for name in ("callback", "blocking", "live_stats", "audio_priority"):
        with pytest.raises(errors.ConfigurationError, match="background=True"):
            getattr(engine, name)
    for call in (engine.take_peaks, engine.claim, engine.release):
        with pytest.raises(errors.ConfigurationError, match="background=True"):
            call()
    with pytest.raises(errors.ConfigurationError, match="background=True"):
        engine.blocking = True
    assert engine.error is None
    assert engine.latency.slack == 0
