"""``.nm`` files through the TorchScript backend: files that the peer neutone_sdk 1.5.2 exported (tests/data/peer, made
by benchmarks/peer/make_fixtures.py), and stand-ins made here for whatever can be wrong or unusual in a file."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import ConfigurationError, InferenceError, ModelFileError
from neutone.testing import BackendContract
from neutone_torch import TorchScriptBackend
from support.peer_files import NAMES, peer_file
from support.places import PEER_FILES

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor


@pytest.fixture(scope="session")
def peer_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The peer's files, decompressed."""
    folder = tmp_path_factory.mktemp("peer")
    return {name: peer_file(name, folder) for name in NAMES}


# -- the peer's own files ----------------------------------------------------------------------------------------------


class OnePeerFile(BackendContract):
    backend = TorchScriptBackend
    name: str

    @pytest.fixture
    def model_file(self, peer_files: dict[str, Path]) -> Path:
        return peer_files[self.name]


class TestContractShaper(OnePeerFile):
    name = "shaper"


class TestContractLookBehind(OnePeerFile):
    name = "lookbehind"


class TestContractLstmAmp(OnePeerFile):
    name = "lstm_amp"


class Reference:
    """The output of the peer's wrapper, and its parameters as curves for an engine."""

    def __init__(self, name: str, model: Any) -> None:
        with np.load(PEER_FILES / f"{name}.npz") as file:
            self.rate, self.size = int(file["rate"]), int(file["size"])
            self.audio, self.expected, params = file["audio"], file["expected"], file["params"]
        rows = len(model.metadata.parameters)
        self.values = {p.name: float(v) for p, v in zip(model.metadata.parameters, params, strict=False)}
        self.curves = np.repeat(params[:rows, np.newaxis], self.audio.shape[1], axis=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("divisor", [1, 4])
def test_engine_answers_as_the_peer(name: str, divisor: int, peer_files: dict[str, Path]) -> None:
    model = neutone.load(peer_files[name])
    reference = Reference(name, model)
    block, (channels, frames) = reference.size // divisor, reference.audio.shape
    engine = neutone.Engine(model, reference.rate, block, channels)
    late = engine.latency.total
    assert late == (reference.size - block if model.metadata.native_buffer_sizes else 0)
    fed = np.pad(reference.audio, ((0, 0), (0, reference.size)))
    curves = np.pad(reference.curves, ((0, 0), (0, reference.size)), mode="edge")
    out = np.concatenate(
        [
            engine.process(fed[:, start : start + block].copy(), params=curves[:, start : start + block].copy())
            for start in range(0, fed.shape[1], block)
        ],
        axis=1,
    )
    np.testing.assert_allclose(out[:, late : late + frames], reference.expected, atol=1e-5)
    assert np.abs(reference.expected).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_render_answers_as_the_peer(name: str, peer_files: dict[str, Path]) -> None:
    model = neutone.load(peer_files[name])
    reference = Reference(name, model)
    for params in (reference.curves, reference.values):
        out = neutone.render(model, reference.audio, reference.rate, params=params)
        np.testing.assert_allclose(out, reference.expected, atol=1e-5)


def test_two_engines_on_one_model(peer_files: dict[str, Path]) -> None:
    model = neutone.load(peer_files["lstm_amp"])
    reference = Reference("lstm_amp", model)
    size = reference.size
    one, other = neutone.Engine(model, reference.rate, size, 1), neutone.Engine(model, reference.rate, size, 1)
    for start in range(0, reference.audio.shape[1], size):
        out = one.process(reference.audio[:, start : start + size].copy())
        other.process(-reference.audio[:, start : start + size])
        np.testing.assert_allclose(out, reference.expected[:, start : start + size], atol=1e-5)


def test_engines_in_threads(peer_files: dict[str, Path]) -> None:
    model = neutone.load(peer_files["lstm_amp"])
    reference = Reference("lstm_amp", model)
    threads = torch.get_num_threads()

    def play(_: int) -> Any:
        return neutone.render(model, reference.audio, reference.rate, block_size=64)

    with ThreadPoolExecutor(3) as pool:
        for out in pool.map(play, range(12)):
            np.testing.assert_allclose(out, reference.expected, atol=1e-5)
    assert torch.get_num_threads() == threads


def test_a_model_of_other_rates_is_resampled(peer_files: dict[str, Path]) -> None:
    engine = neutone.Engine(neutone.load(peer_files["lookbehind"]), 48_000, 100, 2, fixed_blocks=False)
    rng = np.random.default_rng(1)
    for frames in rng.integers(1, 101, 200):
        assert np.isfinite(engine.process(rng.uniform(-0.5, 0.5, (2, frames)).astype(np.float32))).all()
    assert engine.stats.starved_frames == engine.stats.failed_blocks == 0


def test_a_damaged_file(peer_files: dict[str, Path], tmp_path: Path) -> None:
    whole = peer_files["shaper"].read_bytes()
    (tmp_path / "half.nm").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match=r"half\.nm"):
        neutone.load(tmp_path / "half.nm")


def test_a_rate_and_block_may_be_chosen(peer_files: dict[str, Path]) -> None:
    model = neutone.load(peer_files["shaper"], sample_rate=32_000, block_size=100)
    engine = neutone.Engine(model, 48_000, 128)
    assert (engine.model_sample_rate, engine.model_block_size) == (32_000, 100)
    with pytest.raises(ConfigurationError, match=r"block_size is 256, .*\[512\]"):
        neutone.load(peer_files["lookbehind"], block_size=256)
    with pytest.raises(ConfigurationError, match="channels"):
        neutone.load(peer_files["lookbehind"], channels=1)


# -- stand-ins: the same surface, made here ----------------------------------------------------------------------------


class Driven(nn.Module):
    """The methods that the model in every ``.nm`` file has."""

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        return False

    @torch.jit.export
    def reset(self) -> bool:
        return False


class ShowsRows(Driven):
    """Shows each row of params at a decimal place of its own."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return (params * torch.tensor([[1.0], [10.0], [100.0], [1000.0]])).sum(0, keepdim=True)


class Counts(Driven):
    """Has state, but no reset."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("blocks", torch.zeros(1, 1))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.blocks += 1.0
        return x + self.blocks


class AnySizeLookBehind(Driven):
    """Adds the sample three before. Always returns as many frames as were announced, like models with look-behind."""

    def __init__(self) -> None:
        super().__init__()
        self.recent = torch.zeros(1, 4)

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.recent = torch.zeros(1, 3 + n_samples)
        return True

    @torch.jit.export
    def reset(self) -> bool:
        self.recent.zero_()
        return True

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.recent = torch.cat([self.recent, x], 1)[:, x.size(1) :]
        return self.recent[:, 3:] + self.recent[:, :-3]


class Late(Driven):
    """Reports a delay of half its block."""

    def __init__(self) -> None:
        super().__init__()
        self.delay = 0

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.delay = n_samples // 2
        return True

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        return self.delay

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return x


class Queue(nn.Module):
    """The wrapper around the model, as far as these tests need it."""

    def __init__(self, model: nn.Module, realtime: bool = True) -> None:
        super().__init__()
        self.w2w_base = model
        self.realtime = realtime

    def forward(self, x: Tensor) -> Tensor:
        return x


class Hollow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def save_nm(path: Path, module: nn.Module, **metadata: Any) -> Path:
    fields = {"model_name": "test", "is_input_mono": True, "is_output_mono": True, **metadata}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(module), str(path), _extra_files={"metadata.json": json.dumps(fields)})
    return path


def declare(*used: bool) -> dict[str, Any]:
    """Return parameters p1, p2, ... as files from before 1.5 declare them: without type and range."""
    return {
        f"p{k}": {"name": f"name {k}", "description": "", "default_value": 0.5, "used": flag}
        for k, flag in enumerate(used, 1)
    }


class TestContractStandIn(BackendContract):
    backend = TorchScriptBackend

    @pytest.fixture
    def model_file(self, tmp_path: Path) -> Path:
        return save_nm(tmp_path / "counts.nm", Queue(Counts()), native_buffer_sizes=[64])


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ((), 0.0),
        ((True,), 1.0),
        ((True, True), 21.0),
        ((False, True, False, True), 2010.0),
        ((True, False, True), 201.0),
        ((True, True, True, True), 4321.0),
    ],
)
def test_parameters_reach_their_rows(used: tuple[bool, ...], expected: float, tmp_path: Path) -> None:
    model = neutone.load(save_nm(tmp_path / "rows.nm", Queue(ShowsRows()), neutone_parameters=declare(*used)))
    rows = len(model.metadata.parameters)
    assert rows == sum(used)
    session = model.prepare(48_000, 32)
    for frames in (32, 7, 20, 32, 1):
        curves = (np.arange(1, rows + 1, dtype=np.float32)[:, None] * np.ones((1, frames), np.float32)).ravel()
        session.params.reshape(-1)[: rows * frames] = curves
        session.run(frames)
        np.testing.assert_allclose(session.audio_out.reshape(-1)[:frames], expected)


def test_parameter_curves_keep_their_samples(tmp_path: Path) -> None:
    used = declare(True, False, True)
    engine = neutone.Engine(
        neutone.load(save_nm(tmp_path / "rows.nm", Queue(ShowsRows()), neutone_parameters=used)), 48_000, 64, 1
    )
    curves = np.random.default_rng(0).random((2, 64)).astype(np.float32)
    out = engine.process(np.zeros((1, 64), np.float32), params=curves)
    np.testing.assert_allclose(out[0], curves[0] + 100.0 * curves[1], rtol=1e-5)


def test_a_model_without_a_reset_starts_over(tmp_path: Path) -> None:
    engine = neutone.Engine(neutone.load(save_nm(tmp_path / "c.nm", Queue(Counts()))), 48_000, 16, 1)
    silence = np.zeros((1, 16), np.float32)
    for _ in range(2):
        assert [engine.process(silence)[0, 0] for _ in range(3)] == [1.0, 2.0, 3.0]
        engine.reset()


def test_look_behind_at_any_size(tmp_path: Path) -> None:
    path = save_nm(tmp_path / "l.nm", Queue(AnySizeLookBehind()), look_behind_samples=3)
    engine = neutone.Engine(neutone.load(path), 48_000, 32, 1, fixed_blocks=False)
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.4, 0.4, (1, 300)).astype(np.float32)
    outs, start = [], 0
    while start < 300:
        frames = min(int(rng.integers(1, 33)), 300 - start)
        outs.append(engine.process(audio[:, start : start + frames].copy()))
        start += frames
    expected = audio.copy()
    expected[:, 3:] += audio[:, :-3]
    assert engine.latency.total == 0
    np.testing.assert_allclose(np.concatenate(outs, 1), expected, atol=1e-6)


def test_the_model_says_its_delay(tmp_path: Path) -> None:
    path = save_nm(tmp_path / "d.nm", Queue(Late()), native_buffer_sizes=[128], native_sample_rates=[24_000])
    model = neutone.load(path)
    assert model.model_delay == 64
    assert neutone.Engine(model, 48_000, 256).latency.model == 128
    assert neutone.load(path, model_delay=3).model_delay == 3


@pytest.mark.parametrize(
    ("module", "metadata", "reason"),
    [
        (Queue(Counts(), realtime=False), {}, "real time"),
        (Hollow(), {}, "w2w_base"),
        (Queue(Hollow()), {}, "set_sample_rate_and_buffer_size"),
        (Queue(Counts()), {"native_sample_rates": [1]}, "native_sample_rates"),
        (Queue(Counts()), {"model_name": "x" * 20_000}, "model_name"),
        (Queue(Counts()), {"neutone_parameters": declare(True, True, True, True, True)}, "p5"),
    ],
)
def test_files_that_are_refused(module: Any, metadata: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=reason) as caught:
        neutone.load(save_nm(tmp_path / "wrong.nm", module, **metadata))
    assert "wrong.nm" in str(caught.value)


def test_metadata_that_is_not_json(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(Queue(Counts())), str(tmp_path / "m.nm"), _extra_files={"metadata.json": "["})
    with pytest.raises(ModelFileError, match=r"m\.nm, metadata\.json"):
        neutone.load(tmp_path / "m.nm")


def test_a_model_whose_output_is_not_what_it_declares(tmp_path: Path) -> None:
    model = neutone.load(save_nm(tmp_path / "o.nm", Queue(Counts()), is_output_mono=False))
    with pytest.raises(ModelFileError, match=r"o\.nm .*returns \(1, 64\), expected \(2, 64\)"):
        neutone.Engine(model, 48_000, 64)


class GrowsShort(Driven):
    """Returns one frame less from the fifth block on, which no check before the first block can find."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = 0

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.blocks += 1
        return x if self.blocks < 5 else x[:, 1:]


def test_an_output_that_changes_shape(tmp_path: Path) -> None:
    engine = neutone.Engine(
        neutone.load(save_nm(tmp_path / "g.nm", Queue(GrowsShort()), native_buffer_sizes=[8])), 48_000, 8, 1
    )
    for _ in range(4):
        engine.process(np.zeros((1, 8), np.float32))
    with pytest.raises(InferenceError, match=r"\(1, 7\), expected \(1, 8\)"):
        engine.process(np.zeros((1, 8), np.float32))


def test_weights_that_are_shorter_than_they_say_are_refused(tmp_path: Path, peer_files: dict[str, Path]) -> None:
    """PyTorch opens such a file, and crashes when it reads the tensor."""
    import zipfile

    path = tmp_path / "short.nm"
    with zipfile.ZipFile(peer_files["shaper"]) as whole, zipfile.ZipFile(path, "w") as short:
        for entry in whole.infolist():
            data = whole.read(entry)
            short.writestr(entry.filename, b"" if entry.filename.endswith("/data/15") else data)
    with pytest.raises(ModelFileError, match=r"is damaged: the tensor data/15 has 0 bytes, expected 16384"):
        neutone.load(path)
