"""The TorchScript backend on plain modules made here; ``.nm`` files are in test_torchscript_nm.py."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import neutone
from neutone.errors import ConfigurationError, InferenceError, ModelFileError
from neutone.testing import BackendContract
from neutone_torch import TorchScriptBackend
from support.models import noise
from support.processes import run_python

torch = pytest.importorskip("torch")
from support.torchscript_files import Echo, save  # noqa: E402

nn, Tensor = torch.nn, torch.Tensor


def play(session: Any, audio: Any, size: int) -> Any:
    """Run whole blocks through a session that has no look-behind."""
    out = []
    for start in range(0, audio.shape[1], size):
        session.audio_in[...] = audio[:, start : start + size]
        session.run(size)
        out.append(session.audio_out.copy())
    return np.concatenate(out, 1)


class EveryState(nn.Module):
    """Keeps state in every possible way: buffers written and replaced, a plain tensor, a number, a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("written", torch.zeros(1, 1))
        self.register_buffer("replaced", torch.zeros(1, 1))
        self.tensor = torch.zeros(1, 1)
        self.weight = nn.Parameter(torch.zeros(1, 1), requires_grad=False)
        self.number = 0

    def forward(self, x: Tensor) -> Tensor:
        self.written.add_(x.sum())
        self.replaced = self.replaced + x.sum()
        self.tensor += 1.0
        self.weight.mul_(0.5).add_(x.sum())
        self.number += 1
        return x + self.written + self.replaced + self.tensor + self.weight + float(self.number)


class ResetsItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.full((1, 1), 5.0))

    @torch.jit.export
    def reset(self) -> None:
        self.count.fill_(0.0)

    def forward(self, x: Tensor) -> Tensor:
        self.count.add_(1.0)
        return torch.cat([x[:1], x[:1]]) * 0 + self.count


class KeepsItsInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before = torch.zeros(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = x + self.before[:, -1:]
        self.before = x
        return out


class Gain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2.0 * x


class Batched(nn.Module):
    """Maps audio of shape (1, 1, N) to (1, 2, N)."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, _ = x.shape
        assert batch == 1
        assert channels == 1, "expected one channel"
        return torch.cat([x, -x], 1)


class Shouts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.max() > 0.9):
            raise RuntimeError("too loud")
        return x


class Poisoned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 0.0


class OnlyBlocksOf64(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(1, -1, 64).flip(2).reshape(1, -1)


class TestContractPlain(BackendContract):
    backend = TorchScriptBackend

    @pytest.fixture
    def model_file(self, tmp_path: Path) -> Path:
        return save(Echo(), tmp_path / "echo.ts")


class TestContractStereo(BackendContract):
    backend = TorchScriptBackend
    options: ClassVar[dict[str, Any]] = {"sample_rate": 44_100, "block_size": 128, "threads": 2}

    @pytest.fixture
    def model_file(self, tmp_path: Path) -> Path:
        return save(Gain(), tmp_path / "gain.pt")


# -- channels, options, files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "options", "channels"),
    [
        (Echo(), {}, (1, 1)),
        (Gain(), {}, (2, 2)),
        (Gain(), {"channels": 1}, (1, 1)),
        (Batched(), {}, (1, 2)),
        (nn.Conv1d(2, 1, 1), {}, (2, 1)),
        (nn.Conv1d(4, 3, 1), {"channels": 4}, (4, 3)),
    ],
)
def test_channels(module: Any, options: dict[str, int], channels: tuple[int, int], tmp_path: Path) -> None:
    model = neutone.load(save(module, tmp_path / "m.ts"), **options)
    assert (model.input_channels, model.output_channels) == channels
    session = model.prepare(48_000, 64)
    audio = noise(channels[0], 128)
    with torch.no_grad():
        expected = module(torch.from_numpy(audio)[None] if isinstance(module, Batched) else torch.from_numpy(audio))
    if not isinstance(module, Echo):  # it keeps state
        np.testing.assert_allclose(play(session, audio, 64), expected.numpy().reshape(channels[1], -1), atol=1e-6)


def test_traced_module(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(nn.Tanh(), torch.zeros(2, 64))
    model = neutone.load(save(traced, tmp_path / "t.ts"))
    audio = noise(2, 96)
    np.testing.assert_allclose(play(model.prepare(48_000, 32), audio, 32), np.tanh(audio), atol=1e-6)


def test_frozen_module(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        frozen = torch.jit.freeze(torch.jit.script(Echo().eval()))
    model = neutone.load(save(frozen, tmp_path / "f.ts"))
    audio = noise(1, 96)
    expected = audio.copy()
    expected[:, 16:] += 0.5 * audio[:, :-16]
    session = model.prepare(48_000, 32)
    for _ in range(2):
        np.testing.assert_allclose(play(session, audio, 32), expected, atol=1e-6)
        session.reset()


def test_options_become_metadata(tmp_path: Path) -> None:
    model = neutone.load(save(Echo(), tmp_path / "a.ts"), sample_rate=32_000, block_size=128, model_delay=7)
    assert model.metadata.native_sample_rates == [32_000]
    assert model.metadata.native_buffer_sizes == [128]
    assert model.metadata.model_name == "a"
    assert neutone.Engine(model, 32_000, 128).latency.model == 7


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": True}, {"sample_rate": 5}, {"block_size": 0}, {"channels": "2"}]
)
def test_wrong_options(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        neutone.load(save(Echo(), tmp_path / "a.ts"), **options)


def test_a_module_with_a_block_of_its_own(tmp_path: Path) -> None:
    path = save(OnlyBlocksOf64(), tmp_path / "blocks.ts")
    with pytest.raises(ModelFileError, match="block_size"):
        neutone.load(path, channels=1)
    engine = neutone.Engine(neutone.load(path, channels=1, block_size=64), 48_000, 48, 1)
    assert engine.latency.buffering == 48


def test_files_that_are_no_modules(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pt")
    with pytest.raises(ModelFileError, match=r"torch\.save"):
        neutone.load(tmp_path / "weights.pt")
    whole = save(Echo(), tmp_path / "echo.ts").read_bytes()
    (tmp_path / "half.ts").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match=r"half\.ts"):
        neutone.load(tmp_path / "half.ts")
    with pytest.raises(ModelFileError, match=r"metadata\.json"):
        neutone.load(save(Echo(), tmp_path / "plain.nm"))
    with pytest.raises(ModelFileError, match=r"\(2, 512\).*\(1, 512\)"):
        neutone.load(save(nn.Conv1d(5, 5, 1), tmp_path / "five.ts"))
    with pytest.raises(ModelFileError, match=r"returns torch.float32 \(2, 510\)"):
        neutone.load(save(nn.Conv1d(2, 2, 3), tmp_path / "short.ts"))


# -- state -------------------------------------------------------------------------------------------------------------


def test_every_kind_of_state_is_the_sessions_own(tmp_path: Path) -> None:
    model = neutone.load(save(EveryState(), tmp_path / "s.ts"), channels=1)
    audio = noise(1, 64)
    first = play(model.prepare(48_000, 16), audio, 16)
    one, other = model.prepare(48_000, 16), model.prepare(48_000, 16)
    mixed = []
    for start in range(0, 64, 16):
        mixed.append(play(one, audio[:, start : start + 16], 16))
        play(other, -audio[:, start : start + 16], 16)
    np.testing.assert_array_equal(np.concatenate(mixed, 1), first)
    # Gradient modes belong to threads: a reset in another thread must leave tensors that this thread may write.
    worker = threading.Thread(target=one.reset)
    worker.start()
    worker.join()
    np.testing.assert_array_equal(play(one, audio, 16), first)


def test_an_exported_reset_is_called(tmp_path: Path) -> None:
    session = neutone.load(save(ResetsItself(), tmp_path / "r.ts"), channels=1).prepare(48_000, 8)
    assert session.audio_out.shape == (2, 8)
    for _ in range(2):
        np.testing.assert_array_equal(play(session, noise(1, 24), 8)[0, ::8], [1.0, 2.0, 3.0])
        session.reset()


def test_a_module_may_keep_its_input(tmp_path: Path) -> None:
    session = neutone.load(save(KeepsItsInput(), tmp_path / "k.ts"), channels=1).prepare(48_000, 8)
    audio = noise(1, 24)
    expected = audio.copy()
    expected[:, 8:16] += audio[:, 7:8]
    expected[:, 16:24] += audio[:, 15:16]
    np.testing.assert_allclose(play(session, audio, 8), expected, atol=1e-7)


def test_two_engines_on_one_model(tmp_path: Path) -> None:
    model = neutone.load(save(Echo(), tmp_path / "e.ts"))
    audio = noise(1, 256)
    alone = neutone.Engine(model, 48_000, 256, 1).process(audio)
    one, other = neutone.Engine(model, 48_000, 64, 1), neutone.Engine(model, 48_000, 64, 1)
    outs = []
    for start in range(0, 256, 64):
        outs.append(one.process(audio[:, start : start + 64].copy()))
        other.process(-audio[:, start : start + 64])
    np.testing.assert_allclose(np.concatenate(outs, 1), alone, atol=1e-6)


# -- failures while a model runs ---------------------------------------------------------------------------------------


def test_a_module_that_raises(tmp_path: Path) -> None:
    engine = neutone.Engine(neutone.load(save(Shouts(), tmp_path / "s.ts")), 48_000, 32)
    quiet = noise(2, 32)
    with pytest.raises(InferenceError, match="too loud"):
        engine.process(np.ones((2, 32), np.float32))
    np.testing.assert_allclose(engine.process(quiet), quiet, atol=1e-6)
    assert engine.stats.failed_blocks == 1


def test_values_that_are_not_finite_become_silence(tmp_path: Path) -> None:
    engine = neutone.Engine(neutone.load(save(Poisoned(), tmp_path / "p.ts")), 48_000, 32)
    np.testing.assert_array_equal(engine.process(noise(2, 32)), 0.0)
    assert engine.stats.nonfinite_output == 64


# -- the rest of the process -------------------------------------------------------------------------------------------


def test_thread_count_is_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        engine = neutone.Engine(neutone.load(save(Shouts(), tmp_path / "s.ts"), threads=2), 48_000, 32)
        engine.process(noise(2, 32))
        with pytest.raises(InferenceError):
            engine.process(np.ones((2, 32), np.float32))
        engine.reset()
        assert torch.get_num_threads() == 3
        assert not torch.is_inference_mode_enabled()
    finally:
        torch.set_num_threads(before)


def test_importing_the_plugin_imports_no_torch() -> None:
    run_python("import sys, neutone_torch; assert 'torch' not in sys.modules")


def test_without_torch_the_extra_is_named(tmp_path: Path) -> None:
    path = save(Echo(), tmp_path / "e.ts")
    run_python(
        "import sys; sys.modules['torch'] = None\n"
        "import neutone\n"
        "try: neutone.load(sys.argv[1])\n"
        "except neutone.errors.MissingExtraError as error: assert 'pip install' in str(error)\n"
        "else: raise AssertionError('loaded without torch')",
        str(path),
    )


@pytest.mark.long
def test_no_warnings_reach_the_user(tmp_path: Path) -> None:
    path = save(Echo(), tmp_path / "e.ts")
    run_python(
        "import sys, neutone, numpy\n"
        "engine = neutone.Engine(neutone.load(sys.argv[1]), 48000, 32, 1)\n"
        "engine.process(numpy.zeros((1, 32), numpy.float32)); engine.reset(); engine.close()",
        str(path),
    )
