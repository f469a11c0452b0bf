"""The time for a host block: with the stream around a model that costs nothing, and with the amp that comes with
neutone."""

import numpy as np
import pytest

import neutone
from neutone import Engine
from pass_through import PassThrough
from peers import engine_call


@pytest.mark.parametrize("kind", ["linear", "hermite", "sinc"])
@pytest.mark.parametrize("block", [32, 128, 512, 2048])
def test_pass_through_resampled(benchmark, block, kind):
    benchmark.group = f"pass-through, host 48 kHz / {block}, model 44.1 kHz / 2048"
    benchmark(engine_call(Engine(PassThrough(), 48_000, block, 2, resampler=kind)))


@pytest.mark.parametrize("block", [32, 128, 512, 2048])
def test_pass_through_same_rate(benchmark, block):
    benchmark.group = "pass-through, host and model 48 kHz"
    benchmark(engine_call(Engine(PassThrough(48_000, None), 48_000, block, 2)))


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("block", [64, 128, 512, 2048])
def test_amp(benchmark, block, rate):
    """The real-time factor, compute time divided by audio time, is in each row's extra information."""
    benchmark.group = f"the amp (ONNX), host {rate} Hz"
    engine = Engine(neutone.load(neutone.default_model()), rate, block, 1)
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, block)).astype(np.float32)
    out = np.empty_like(audio)
    benchmark(lambda: engine.process(audio, out))
    if benchmark.stats is None:
        return  # this was only a test run (--benchmark-disable)
    benchmark.extra_info["rtf"] = benchmark.stats.stats.median * rate / block
    benchmark.extra_info["latency"] = engine.latency.total
