"""``channels="dual"``: a session for each channel, so that stereo through a mono model stays stereo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import neutone
from neutone.errors import ConfigurationError
from neutone.rendering.files import write_audio
from support.models import FunctionModel, knob, noise, run


class Remembering(FunctionModel):
    """Each session adds up its own input, times its parameter, and shows look-behind if it has some."""

    def __init__(self, channels: int = 1, **settings: Any) -> None:
        super().__init__(channels=(channels, channels), parameters=[knob()], **settings)

    def prepare(self, sample_rate: int, block_size: int) -> Any:
        session = super().prepare(sample_rate, block_size)
        total = np.zeros((self.input_channels, 1), np.float64)

        def add_up(audio: Any, params: Any, out: Any) -> None:
            behind = audio.shape[1] - out.shape[1]
            sums = total + np.cumsum(audio[:, behind:] * params + audio[:, : out.shape[1]], axis=1)
            total[...] = sums[:, -1:]
            out[...] = sums

        session._function = add_up
        return session


@given(
    each=st.integers(1, 2),
    copies=st.integers(1, 3),
    blocks=st.sampled_from([[], [128]]),
    look_behind=st.sampled_from([0, 5]),
    block=st.integers(30, 300),
)
def test_each_channel_is_what_it_is_alone(
    each: int, copies: int, blocks: list[int], look_behind: int, block: int
) -> None:
    model = Remembering(each, blocks=blocks, look_behind=look_behind)
    audio = noise(each * copies, 600)
    out = neutone.render(model, audio, 48_000, channels="dual", params={"amount": 0.75}, block_size=block)
    for first in range(0, each * copies, each):
        part = slice(first, first + each)
        alone = neutone.render(model, audio[part], 48_000, params={"amount": 0.75}, block_size=block)
        np.testing.assert_array_equal(out[part], alone)


def test_in_an_engine_with_reset_and_delay() -> None:
    model = Remembering(delay=32)
    with neutone.Engine(neutone.Dual(model, 2), 48_000, 64, 2) as engine:
        assert engine.latency.model == 32
        audio = noise(2, 256)
        assert run(engine, audio).shape == audio.shape
        before = [session.resets for session in model.sessions]
        engine.reset()
        assert [session.resets for session in model.sessions] == [count + 1 for count in before]
    assert [session.closed for session in model.sessions] == [True, True]


def test_the_amp_keeps_stereo_in_files(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    amp = neutone.load(neutone.default_model())
    audio = noise(2, 6_000)
    write_audio(tmp_path / "in.wav", audio, 44_100)
    neutone.render_file(amp, tmp_path / "in.wav", tmp_path / "out.wav", channels="dual", params={"drive": 0.8})
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    for channel in range(2):
        np.testing.assert_array_equal(out[:, channel], amp(audio[channel], 44_100, drive=0.8))
    assert np.abs(out[:, 0] - out[:, 1]).max() > 0.1


def test_what_cannot_be_kept_apart() -> None:
    with pytest.raises(ConfigurationError, match="turns 1 of them into 2"):
        neutone.render(FunctionModel(channels=(1, 2)), noise(2, 10), 48_000, channels="dual")
    with pytest.raises(ConfigurationError, match="channels is 3, expected a multiple of the model's 2"):
        neutone.render(FunctionModel(), noise(3, 10), 48_000, channels="dual")
    with pytest.raises(ConfigurationError, match="channels is 'stereo', expected one of mix, dual"):
        neutone.render(FunctionModel(), noise(2, 10), 48_000, channels="stereo")


def test_a_session_that_cannot_be_made_closes_the_others() -> None:
    model = FunctionModel(channels=(1, 1))
    whole = model.prepare

    def once(sample_rate: int, block_size: int) -> Any:
        if model.sessions:
            raise MemoryError
        return whole(sample_rate, block_size)

    model.prepare = once  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        neutone.Engine(neutone.Dual(model, 2))
    assert model.sessions[0].closed
