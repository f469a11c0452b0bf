"""How well the sinc resampler preserves a sine: the bounds that its Kaiser windows were chosen for (nt_sinc.c)."""

import numpy as np
import pytest

import neutone

FRAMES = 24_000


def round_trip(audio, rate, other, taps):
    """Resample to the other rate and back. Output frame j belongs to input frame j, so they can be compared."""
    there, back = (neutone.Resampler(*rates, taps=taps) for rates in ((rate, other), (other, rate)))
    return back.process(there.process(audio[np.newaxis]))[0]


def error_ratio(frequency, rate, other, taps):
    """Return the power of a sine divided by the power of the error that a round trip adds, in dB."""
    sine = np.sin(2.0 * np.pi * frequency * np.arange(FRAMES) / rate + 0.3)
    heard = round_trip(sine.astype(np.float32), rate, other, taps)
    edge = 4 * taps  # the sine begins abruptly
    expected = sine[edge : len(heard)]
    return 10.0 * np.log10(np.mean(expected**2) / np.mean((heard[edge:] - expected) ** 2))


@pytest.mark.parametrize(("rate", "other"), [(48_000, 44_100), (44_100, 48_000)])
@pytest.mark.parametrize(("taps", "highest", "least"), [(32, 17_000, 100.0), (64, 18_000, 120.0), (128, 20_000, 130.0)])
def test_every_sine_of_the_band_survives_a_round_trip(rate, other, taps, highest, least):
    ratios = {frequency: error_ratio(frequency, rate, other, taps) for frequency in np.geomspace(50, highest, 24)}
    assert min(ratios.values()) > least, ratios


def test_beyond_the_band_it_does_not():
    """This shows that the test above can fail."""
    assert error_ratio(18_500, 48_000, 44_100, 32) < 60.0
