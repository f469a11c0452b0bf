"""The conformance tests of backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from neutone.engine.engine import Engine
from neutone.errors import ConfigurationError, ModelFileError
from neutone.model.contract import Model, Session
from neutone.plugins.backend import Backend

Array = NDArray[np.float32]


class BackendContract:
    """The conformance tests of a backend. Subclass it, set :attr:`backend`, and define a fixture ``model_file``.

    The model may be any that is deterministic and whose output is finite for input within -1..1.

    Attributes:
        backend: The backend class under test.
        options: The keyword arguments of ``load``.
        agreement: The largest difference allowed when the same audio is cut into different blocks.
    """

    backend: ClassVar[type[Backend]]
    options: ClassVar[dict[str, Any]] = {}
    agreement: ClassVar[float] = 1e-5

    @pytest.fixture
    def model_file(self) -> Path:
        """A model file for the backend. Override this fixture."""
        raise NotImplementedError("override the fixture model_file")

    @pytest.fixture
    def model(self, model_file: Path) -> Model:
        """The model in :meth:`model_file`, loaded."""
        return self.backend().load(model_file, **self.options)

    @staticmethod
    def native(model: Model) -> tuple[int, int]:
        """Return a sample rate (Hz) and a block size (frames) that the model supports."""
        metadata = model.metadata
        return (metadata.native_sample_rates or [48_000])[0], (metadata.native_buffer_sizes or [256])[0]

    @staticmethod
    def noise(shape: tuple[int, ...], seed: int = 0) -> Array:
        """Return float32 noise in -0.5..0.5."""
        return (np.random.default_rng(seed).random(shape) - 0.5).astype(np.float32)

    def run_blocks(self, session: Session, blocks: list[Array]) -> Array:
        """Run whole blocks through a session as the stream does, with all parameters at 0.5, and return the output."""
        outputs = []
        look_behind = session.audio_in.shape[1] - session.audio_out.shape[1]
        history = np.zeros((session.audio_in.shape[0], look_behind), np.float32)
        for block in blocks:
            window = np.concatenate([history, block], axis=1)
            history = window[:, window.shape[1] - look_behind :]
            session.audio_in[...] = window
            session.params[...] = 0.5
            session.run(block.shape[1])
            outputs.append(session.audio_out.copy())
        return np.concatenate(outputs, axis=1)

    def test_declares_itself(self) -> None:
        assert self.backend.name
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in self.backend.suffixes)

    def test_missing_file(self, tmp_path: Path) -> None:
        suffix = (self.backend.suffixes or ("",))[0]
        with pytest.raises(FileNotFoundError):
            self.backend().load(tmp_path / f"nothing{suffix}", **self.options)

    def test_a_file_that_is_no_model(self, tmp_path: Path) -> None:
        path = tmp_path / f"garbage{(self.backend.suffixes or ('',))[0]}"
        path.write_bytes(b"this is not a model" * 10)
        with pytest.raises(ModelFileError) as caught:
            self.backend().load(path, **self.options)
        assert "garbage" in str(caught.value)

    def test_unknown_option(self, model_file: Path) -> None:
        with pytest.raises(ConfigurationError):
            self.backend().load(model_file, **{**self.options, "no_such_option": 1})

    def test_session_memory(self, model: Model) -> None:
        rate, block = self.native(model)
        session = model.prepare(rate, block)
        look_behind, rows = model.metadata.look_behind_samples, len(model.metadata.parameters)
        assert session.audio_in.shape == (model.input_channels, look_behind + block)
        assert session.audio_out.shape == (model.output_channels, block)
        assert session.params.shape == (rows, block)
        for array in (session.audio_in, session.audio_out, session.params):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous
            assert array.flags.writeable

    def test_memory_stays_where_it_is(self, model: Model) -> None:
        rate, block = self.native(model)
        session = model.prepare(rate, block)
        places = [session.audio_in.ctypes.data, session.params.ctypes.data, session.audio_out.ctypes.data]
        arrays = [session.audio_in, session.params, session.audio_out]
        self.run_blocks(session, [self.noise((model.input_channels, block), seed) for seed in range(3)])
        assert [session.audio_in.ctypes.data, session.params.ctypes.data, session.audio_out.ctypes.data] == places
        assert all(a is b for a, b in zip(arrays, [session.audio_in, session.params, session.audio_out], strict=True))

    def test_output_is_finite_and_depends_on_input(self, model: Model) -> None:
        rate, block = self.native(model)
        blocks = [self.noise((model.input_channels, block), seed) for seed in range(4)]
        out = self.run_blocks(model.prepare(rate, block), blocks)
        silent = self.run_blocks(model.prepare(rate, block), [np.zeros_like(blocks[0])] * 4)
        assert np.isfinite(out).all()
        assert not np.allclose(out, silent)

    def test_reset_starts_over(self, model: Model) -> None:
        rate, block = self.native(model)
        session = model.prepare(rate, block)
        blocks = [self.noise((model.input_channels, block), seed) for seed in range(4)]
        first = self.run_blocks(session, blocks)
        session.reset()
        np.testing.assert_array_equal(self.run_blocks(session, blocks), first)

    def test_sessions_are_independent(self, model: Model) -> None:
        rate, block = self.native(model)
        blocks = [self.noise((model.input_channels, block), seed) for seed in range(4)]
        alone = self.run_blocks(model.prepare(rate, block), blocks)
        one, other = model.prepare(rate, block), model.prepare(rate, block)
        outputs = []
        for block_of_one in blocks:
            outputs.append(self.run_blocks_keeping(one, block_of_one))
            self.run_blocks_keeping(other, -block_of_one)
        if not model.metadata.look_behind_samples:
            np.testing.assert_array_equal(np.concatenate(outputs, axis=1), alone)

    def run_blocks_keeping(self, session: Session, block: Array) -> Array:
        """Run one block without look-behind from the block before, and return the output."""
        return self.run_blocks(session, [block])

    def test_any_block_size_means_any(self, model: Model) -> None:
        if model.metadata.native_buffer_sizes or model.metadata.look_behind_samples:
            pytest.skip("the model has block sizes or look-behind of its own")
        rate, _ = self.native(model)
        audio = self.noise((model.input_channels, 600))
        whole = self.run_packed(model.prepare(rate, 600), audio, [600])
        cut = self.run_packed(model.prepare(rate, 600), audio, [1, 255, 256, 64, 24])
        np.testing.assert_allclose(cut, whole, atol=self.agreement)

    def run_packed(self, session: Session, audio: Array, sizes: list[int], values: Array | float = 0.5) -> Array:
        """Run blocks smaller than the session's, with rows packed as the contract says and parameters at ``values``,
        and return the output."""
        outputs, start = [], 0
        channels, out_channels, rows = len(session.audio_in), len(session.audio_out), len(session.params)
        for size in sizes:
            session.audio_in.reshape(-1)[: channels * size] = audio[:, start : start + size].reshape(-1)
            session.params.reshape(-1)[: rows * size].reshape(rows, size)[...] = values
            session.run(size)
            outputs.append(session.audio_out.reshape(-1)[: out_channels * size].reshape(out_channels, size).copy())
            start += size
        return np.concatenate(outputs, axis=1)

    def test_parameters_reach_their_rows(self, model: Model) -> None:
        """Blocks smaller than the session's pack the rows of params.
        Each row has other values, so a mix-up is noticed."""
        rows = len(model.metadata.parameters)
        if model.metadata.native_buffer_sizes or model.metadata.look_behind_samples or not rows:
            pytest.skip("the model has block sizes or look-behind of its own, or no parameters")
        rate, _ = self.native(model)
        audio = self.noise((model.input_channels, 600))
        values = np.linspace(0.0, 1.0, rows + 2, dtype=np.float32)[1:-1, np.newaxis]
        whole = self.run_packed(model.prepare(rate, 600), audio, [600], values)
        cut = self.run_packed(model.prepare(rate, 600), audio, [255, 1, 256, 64, 24], values)
        np.testing.assert_allclose(cut, whole, atol=self.agreement)

    def test_in_an_engine(self, model: Model) -> None:
        engine = Engine(model, sample_rate=48_000, block_size=128, channels=2)
        audio = self.noise((2, 128 * 64))
        out = np.concatenate([engine.process(audio[:, i : i + 128]) for i in range(0, audio.shape[1], 128)], axis=1)
        assert np.isfinite(out).all()
        assert np.abs(out).max() > 0
        assert engine.stats.starved_frames == 0
        assert engine.stats.failed_blocks == 0
