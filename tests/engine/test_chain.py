"""`Chain`: several models in a row as one, whatever their rates, block sizes, channels and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neutone
from neutone.errors import ConfigurationError, InferenceError, MetadataError
from support.models import FunctionModel, knob, multiply, noise, run

COUNTS = st.sampled_from([(1, 1), (2, 2), (1, 2), (2, 1)])
BLOCKS = st.sampled_from([[], [64], [96, 128], [300]])


def one_after_another(models: list[FunctionModel], audio: Any, rate: int) -> Any:
    for model in models:
        audio = neutone.render(model, audio, rate)
    return audio


@given(
    counts=st.lists(COUNTS, min_size=1, max_size=3),
    blocks=st.lists(BLOCKS, min_size=3, max_size=3),
    look_behind=st.integers(0, 9),
    block=st.integers(1, 400),
    channels=st.integers(1, 2),
)
def test_a_chain_is_its_models_one_after_another(
    counts: list[tuple[int, int]],
    blocks: list[list[int]],
    look_behind: int,
    block: int,
    channels: int,
) -> None:
    def halve_and_remember(audio: Any, params: Any, out: Any) -> None:
        behind = audio.shape[1] - out.shape[1]
        for channel in range(len(out)):
            source = audio[channel % len(audio)]
            out[channel] = 0.5 * source[behind:] + params[0] * source[: out.shape[1]]

    models = [
        FunctionModel(
            halve_and_remember, channels=count, blocks=size, look_behind=look_behind, parameters=[knob(default=0.25)]
        )
        for count, size in zip(counts, blocks, strict=False)
    ]
    audio = noise(channels, 1_500)
    out = neutone.render(neutone.Chain(models), audio, 48_000, block_size=block)
    np.testing.assert_allclose(out, one_after_another(models, audio, 48_000), atol=1e-6)


def test_latencies_add_up_and_an_impulse_comes_out_there() -> None:
    def late(delay: int) -> Any:
        memory = np.zeros((1, delay), np.float32)

        def function(audio: Any, params: Any, out: Any) -> None:
            joined = np.concatenate([memory, audio], axis=1)
            out[...] = joined[:, : out.shape[1]]
            memory[...] = joined[:, out.shape[1] :]

        return function

    models = [
        FunctionModel(late(7), channels=(1, 1), delay=7, blocks=[128]),
        FunctionModel(late(11), channels=(1, 1), delay=11, blocks=[96]),
    ]
    engine = neutone.Engine(neutone.Chain(models), 48_000, 64, 1)
    impulse = np.zeros((1, 1_024), np.float32)
    impulse[0, 0] = 1.0
    out = run(engine, impulse)
    assert engine.model_block_size == 128
    # 128 frames are collected from blocks of 64, and blocks of 96 from blocks of 128.
    assert engine.latency == (0, 128 - 64, 7 + (96 - 32) + 11, 0)
    assert np.flatnonzero(out).tolist() == [engine.latency.total]


def test_neighbours_that_agree_share_a_rate() -> None:
    models = [
        FunctionModel(channels=(1, 1), rates=[44_100, 48_000]),
        FunctionModel(channels=(1, 1), rates=[44_100]),
        FunctionModel(channels=(1, 1)),
    ]
    chain = neutone.Chain(models)
    engine = neutone.Engine(chain, 48_000, 128, 1)
    assert engine.model_sample_rate == 44_100
    assert [model.sessions[-1].rate for model in models] == [44_100] * 3
    alone = neutone.Engine(models[1], 48_000, 128, 1)
    assert engine.latency.total == alone.latency.total  # bridged once, not three times


def test_models_without_a_common_rate_run_at_their_own() -> None:
    models = [
        FunctionModel(channels=(1, 1), rates=[48_000]),
        FunctionModel(channels=(1, 1), rates=[32_000], blocks=[100]),
        FunctionModel(channels=(1, 1), rates=[32_000, 96_000]),
    ]
    chain = neutone.Chain(models)
    assert chain.metadata.native_sample_rates == []
    sine = (0.5 * np.sin(2 * np.pi * 997 * np.arange(24_000) / 48_000)).astype(np.float32)
    out = chain(sine, 48_000)
    assert [model.sessions[-1].rate for model in models] == [48_000, 32_000, 32_000]
    middle = slice(2_000, -2_000)
    assert 10 * np.log10((sine[middle] ** 2).mean() / ((out - sine)[middle] ** 2).mean()) > 100


def test_parameters_reach_their_models_frame_by_frame() -> None:
    models = [FunctionModel(multiply, parameters=[knob("gain", low=0.0, high=2.0)]) for _ in range(2)]
    models.insert(1, FunctionModel(multiply, parameters=[knob("level")]))
    models.insert(0, FunctionModel())
    chain = neutone.Chain(models)
    assert list(chain.parameters) == ["gain_2", "level", "gain_4"]
    audio = noise(2, 3_000)
    curve = np.random.default_rng(1).random(3_000)
    out = chain(audio, 48_000, gain_2=1.0, level=curve, gain_4=0.5)
    np.testing.assert_allclose(out, audio * 0.5 * curve * 0.25, atol=1e-6)


def test_a_models_own_mix_and_gain_stay_its_own() -> None:
    model = FunctionModel(multiply, parameters=[knob(default=0.0)])
    model.metadata = model.metadata.model_copy(update={"dry_default_value": 0.5, "wet_default_value": 1.0})
    audio = noise(2, 500)
    np.testing.assert_allclose(neutone.Chain([model, model])(audio, 48_000), audio * 0.25, atol=1e-7)


def test_in_the_background_and_after_a_reset() -> None:
    models = [FunctionModel(multiply, parameters=[knob(default=0.5)]), FunctionModel(blocks=[64])]
    chain = neutone.Chain(models)
    with neutone.Engine(chain, 48_000, 64, 2, background=True) as engine:
        engine.blocking = True
        audio = noise(2, 1_024)
        out = run(engine, audio)
        late = engine.latency.total
        np.testing.assert_array_equal(out[:, late:], audio[:, : out.shape[1] - late] * 0.5)
    with neutone.Engine(chain, 48_000, 64, 2) as engine:
        first = run(engine, audio)
        engine.reset()
        np.testing.assert_array_equal(run(engine, audio), first)


def test_the_amp_twice() -> None:
    pytest.importorskip("onnxruntime")
    amp = neutone.load(neutone.default_model())
    audio = noise(1, 4_000)
    chain = neutone.Chain([amp, amp])
    expected = amp(amp(audio, 48_000, drive=0.2), 48_000, tone=0.9)
    np.testing.assert_allclose(chain(audio, 48_000, drive_1=0.2, tone_2=0.9), expected, atol=1e-6)
    assert chain.metadata.model_name == "Neutone Amp + Neutone Amp"
    assert neutone.Chain([chain, amp]).models == (amp, amp, amp)


def test_a_model_that_fails_is_said_and_the_chain_goes_on() -> None:
    calls = []

    def fail_once(audio: Any, params: Any, out: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("half way")
        out[...] = audio

    engine = neutone.Engine(neutone.Chain([FunctionModel(), FunctionModel(fail_once)]), 48_000, 64, 2)
    audio = noise(2, 64)
    np.testing.assert_array_equal(engine.process(audio), audio)
    with pytest.raises(InferenceError, match="half way"):
        engine.process(audio)
    np.testing.assert_array_equal(engine.process(audio), audio)


def test_what_is_no_chain() -> None:
    with pytest.raises(ConfigurationError, match="a chain has no models"):
        neutone.Chain([])
    with pytest.raises(ConfigurationError, match=r"a chain's model is a str, expected what neutone\.load returns"):
        neutone.Chain(["amp"])  # type: ignore[list-item]
    with pytest.raises(MetadataError, match="256"):
        neutone.Chain([FunctionModel(parameters=[knob(f"k{i}") for i in range(200)]) for _ in range(2)])


def test_sessions_are_closed_also_if_one_cannot_be_made() -> None:
    class Broken(FunctionModel):
        def prepare(self, sample_rate: int, block_size: int) -> Any:
            raise MemoryError

    first = FunctionModel()
    with pytest.raises(MemoryError):
        neutone.Engine(neutone.Chain([first, Broken()]))
    assert first.sessions[-1].closed
    neutone.Engine(neutone.Chain([first, first])).close()
    assert [session.closed for session in first.sessions] == [True] * 3
