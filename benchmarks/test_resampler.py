"""The resamplers alone: the time to resample a stereo block of 512 frames."""

import numpy as np
import pytest

from neutone import Resampler
from neutone._core import force_kernels

QUALITIES = [("linear", 32), ("hermite", 32), ("sinc", 32), ("sinc", 64), ("sinc", 128)]


@pytest.fixture(params=["generic", "avx2", "avx512"])
def variant(request):
    try:
        force_kernels(request.param)
    except ValueError as error:
        pytest.skip(str(error))
    yield request.param
    force_kernels(None)


@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 48_000), (96_000, 44_100)], ids=str)
@pytest.mark.parametrize(("kind", "taps"), QUALITIES)
def test_resample(benchmark, variant, rates, kind, taps):
    benchmark.group = f"{rates[0]} -> {rates[1]} Hz, {kind} {taps if kind == 'sinc' else ''}"
    resampler = Resampler(*rates, kind=kind, taps=taps, channels=2)
    audio = np.random.default_rng(0).random((2, 512), np.float32)
    benchmark(lambda: resampler.process(audio))
