"""The example wrappers (examples/wrappers): each script runs, and its files return what the PyTorch model returns, in
every format and through every way to run them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from support.places import EXAMPLES

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from neutone.sdk import convert_to_onnx, load_script  # noqa: E402

pytestmark = pytest.mark.long

FOLDER = EXAMPLES / "wrappers"
NATIVE_RATE = 48_000
BLOCKS = 50
TOLERANCE = 1e-4

MODELS: dict[str, Callable[[Any], Any]] = {
    "clipper": lambda m: m.Clipper(),
    "clipper_prefilter": lambda m: m.PrefilteredClipper(),
    "delayed_passthrough": lambda m: m.DelayedPassthrough(),
    "tcn_overdrive": lambda m: m.RandomOverdrive(m.random_tcn()),
    "lstm_amp": lambda m: m.LstmAmp(m.trained_network()),
    "look_behind": lambda m: m.Cabinet(),
    "rave_style": lambda m: m.RaveWrapper(m.stand_in()),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run every script as a user would."""
    folder = tmp_path_factory.mktemp("examples")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # two of them run at once

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(FOLDER / f"{name}.py"), str(folder / name)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODELS, pool.map(run, MODELS), strict=True))


@pytest.fixture(scope="module")
def exported(runs: dict[str, subprocess.CompletedProcess[str]]) -> dict[str, Path]:
    for name, run in runs.items():
        assert run.returncode == 0, f"{name}: {run.stderr}"
    return {name: Path(run.args[-1]) for name, run in runs.items()}


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in MODELS}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def model(request: pytest.FixtureRequest, modules: dict[str, Any]) -> Any:
    name = request.node.callspec.params["name"]
    return MODELS[name](modules[name])


def signals(model: Any, frames: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """Return noise with swells and silences (C, frames), curves (4, frames) in 0..1, and the number of declared
    parameters."""
    rng = np.random.default_rng(3)
    swell = np.clip(np.sin(np.arange(frames) * 2 * np.pi / 3000), 0, 1)
    audio = (rng.uniform(-0.9, 0.9, (model.in_n_ch, frames)) * swell).astype(np.float32)
    periods = np.array([[9001.0], [4003.0], [7001.0], [5003.0]])
    curves = 0.5 + 0.45 * np.sin(np.arange(frames) * 2 * np.pi / periods)
    declared = len(model.get_neutone_parameters())
    curves[declared:] = 0.0
    return audio, curves.astype(np.float32), declared


def through_model(model: Any, audio: Any, curves: Any, block: int) -> np.ndarray[Any, Any]:
    model.set_sample_rate_and_buffer_size(NATIVE_RATE, block)
    model.reset()
    with torch.no_grad():
        blocks = zip(torch.from_numpy(audio).split(block, 1), torch.from_numpy(curves).split(block, 1), strict=True)
        return torch.cat([model.forward(x, p).clone() for x, p in blocks], 1).numpy()


def through_engine(path: Path, audio: Any, params: Any, rate: int, block: int) -> tuple[np.ndarray[Any, Any], int]:
    """Return the output and the reported delay."""
    with neutone.Engine(neutone.load(path), rate, block, len(audio), resampler="hermite") as engine:
        out = [
            engine.process(audio[:, at : at + block].copy(), params=np.ascontiguousarray(params[:, at : at + block]))
            for at in range(0, audio.shape[1], block)
        ]
        assert engine.stats.failed_blocks == engine.stats.starved_frames == engine.stats.nonfinite_output == 0
        return np.concatenate(out, 1), engine.latency.total


def through_wrapper(path: Path, audio: Any, curves: Any, rate: int, block: int) -> tuple[np.ndarray[Any, Any], int]:
    wrapper: Any = load_script(path)[0]
    wrapper.set_daw_sample_rate_and_buffer_size(rate, block)
    blocks = zip(torch.from_numpy(audio).split(block, 1), torch.from_numpy(curves).split(block, 1), strict=True)
    out = torch.cat([wrapper.forward(x, p).clone() for x, p in blocks], 1).numpy()
    return out, wrapper.calc_buffering_delay_samples() + wrapper.calc_model_delay_samples()


@pytest.mark.parametrize("name", MODELS)
def test_the_script_says_what_it_did(name: str, runs: dict[str, subprocess.CompletedProcess[str]]) -> None:
    run = runs[name]
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "model.nm: " in run.stdout
    assert "model.onnx: " in run.stdout
    assert {path.name for path in Path(run.args[-1]).iterdir()} >= {"model.nm", "model.onnx"}


@pytest.mark.parametrize(
    ("name", "block"),
    [(name, 2048) if name == "rave_style" else (name, 128) for name in MODELS] + [("delayed_passthrough", 777)],
)
def test_every_way_to_run_it_agrees(name: str, block: int, model: Any, exported: dict[str, Path]) -> None:
    audio, curves, declared = signals(model, BLOCKS * block)
    expected = through_model(model, audio, curves, block)
    assert expected.std() > 0.005
    folder = exported[name]
    converted = convert_to_onnx(folder / "model.nm", folder / "converted.onnx", sandbox=False)
    assert converted.block_size == (2048 if name == "rave_style" else None)
    assert converted.path.stat().st_size < 1.1 * (folder / "model.onnx").stat().st_size
    answers = {
        "converted": through_engine(converted.path, audio, curves[:declared], NATIVE_RATE, block),
        "TorchScript": through_engine(folder / "model.nm", audio, curves[:declared], NATIVE_RATE, block),
        "ONNX": through_engine(folder / "model.onnx", audio, curves[:declared], NATIVE_RATE, block),
        "wrapper": through_wrapper(folder / "model.nm", audio, curves, NATIVE_RATE, block),
    }
    for way, (out, delay) in answers.items():
        assert delay == model.calc_model_delay_samples(), way
        np.testing.assert_allclose(out, expected, rtol=0, atol=TOLERANCE, err_msg=way)


@pytest.mark.parametrize(
    ("name", "rate", "block"),
    [
        ("clipper_prefilter", 44_100, 128),
        ("tcn_overdrive", 44_100, 100),
        ("lstm_amp", 96_000, 128),
        ("look_behind", 44_100, 128),
        ("rave_style", 44_100, 512),
    ],
)
def test_they_agree_at_another_rate(name: str, rate: int, block: int, model: Any, exported: dict[str, Path]) -> None:
    audio, curves, declared = signals(model, BLOCKS * block)
    folder = exported[name]
    expected, delay = through_wrapper(folder / "model.nm", audio, curves, rate, block)
    assert expected.std() > 0.005
    for file in ("model.nm", "model.onnx"):
        out, late = through_engine(folder / file, audio, curves[:declared], rate, block)
        assert late == delay, file
        np.testing.assert_allclose(out, expected, rtol=0, atol=TOLERANCE, err_msg=file)


def test_the_lstm_is_the_amp_that_ships(modules: dict[str, Any]) -> None:
    model = MODELS["lstm_amp"](modules["lstm_amp"])
    audio, curves, declared = signals(model, BLOCKS * 100)
    expected, _ = through_engine(neutone.default_model(), audio, curves[:declared], NATIVE_RATE, 100)
    np.testing.assert_allclose(through_model(model, audio, curves, 100), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("file", ["model.nm", "model.onnx"])
def test_the_delay_is_what_the_model_says(file: str, exported: dict[str, Path]) -> None:
    model = neutone.load(exported["delayed_passthrough"] / file)
    assert model.model_delay == 500
    impulse = np.zeros((2, 640), np.float32)
    impulse[:, 0] = 1.0
    nothing = np.zeros((0, 640), np.float32)
    out, delay = through_engine(exported["delayed_passthrough"] / file, impulse, nothing, 48_000, 64)
    assert delay == 500
    assert out.argmax(axis=1).tolist() == [500, 500]


def test_the_clipper_follows_every_sample(exported: dict[str, Path]) -> None:
    audio = np.full((2, 64), 0.9, np.float32)
    ceiling = np.linspace(0, 1, 64, dtype=np.float32)
    curves = np.stack([np.full(64, 0.1, np.float32), np.zeros(64, np.float32), ceiling])
    for file in ("model.nm", "model.onnx"):
        out, _ = through_engine(exported["clipper"] / file, audio, curves, 44_100, 64)
        np.testing.assert_allclose(out[0], np.minimum(0.9, ceiling), atol=1e-6)
