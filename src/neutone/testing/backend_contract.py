"""The conformance tests of backends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from neutone.checks.delay import compare_delay
from neutone.engine.engine import Engine
from neutone.errors import ConfigurationError, ModelFileError
from neutone.model.contract import Model, Session
from neutone.plugins.backend import Backend

Array = NDArray[np.float32]

SLOW_IMPORTS = ("torch", "onnxruntime", "tensorflow", "jax", "matplotlib")
"""Packages that take long to import. A backend imports them in ``load``, because neutone imports every backend."""


class BackendContract:
    """The conformance tests of a backend. Subclass it, set :attr:`backend`, and define a fixture ``model_file``.

    The model may be any that is deterministic and whose output is finite for input within -1..1.

    Attributes:
        backend: The backend class under test.
        options: The keyword arguments of ``load``.
        agreement: The largest difference allowed when the same audio is cut into different blocks. Output that
            differs by more is different output.
        idle_parameters: The names of parameters that may do nothing between 0 and 1.
        held_parameters: The names of parameters of which the model may use one value a block.
        measurable_delay: Whether the delay shows when output and input are compared. Set it to False for models whose
            output resembles the input at other lags too, such as accumulators, echoes and reverbs.
    """

    backend: ClassVar[type[Backend]]
    options: ClassVar[dict[str, Any]] = {}
    agreement: ClassVar[float] = 1e-5
    idle_parameters: ClassVar[tuple[str, ...]] = ()
    held_parameters: ClassVar[tuple[str, ...]] = ()
    measurable_delay: ClassVar[bool] = True

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

    def run_blocks(self, session: Session, blocks: list[Array], values: Array | float = 0.5) -> Array:
        """Run whole blocks through a session as the stream does, and return the output.

        ``values`` are the parameters of every block: one value, or an array of shape (parameters, frames)."""
        outputs = []
        look_behind = session.audio_in.shape[1] - session.audio_out.shape[1]
        history = np.zeros((session.audio_in.shape[0], look_behind), np.float32)
        for block in blocks:
            window = np.concatenate([history, block], axis=1)
            history = window[:, window.shape[1] - look_behind :]
            session.audio_in[...] = window
            session.params[...] = values
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

    def run_with(self, model: Model, values: Array) -> Array:
        """Run the same noise through a new session with the parameters at ``values`` in every block, and return the
        output, which is longer than the model's delay."""
        rate, block = self.native(model)
        session = model.prepare(rate, block)
        delay = model.model_delay if session.model_delay is None else session.model_delay
        count = 4 + delay // block
        return self.run_blocks(
            session, [self.noise((model.input_channels, block), seed) for seed in range(count)], values
        )

    def difference(self, model: Model, one: Array, other: Array) -> float:
        """Return the largest difference that two arrays of parameters make, as in :meth:`run_with`."""
        return float(np.abs(self.run_with(model, one) - self.run_with(model, other)).max())

    def test_every_parameter_does_something(self, model: Model) -> None:
        _, block = self.native(model)
        idle = []
        for row, parameter in enumerate(model.metadata.parameters):
            low = np.full((len(model.metadata.parameters), block), 0.5, np.float32)
            high = low.copy()
            low[row], high[row] = 0.0, 1.0
            if parameter.name not in self.idle_parameters and self.difference(model, low, high) <= self.agreement:
                idle.append(parameter.name)
        assert not idle, (
            f"parameters that do nothing between 0 and 1: {idle}; if they may, list them in idle_parameters"
        )

    def test_parameters_change_within_a_block(self, model: Model) -> None:
        """A parameter that does nothing at all is the matter of :meth:`test_every_parameter_does_something`."""
        _, block = self.native(model)
        if block == 1:
            pytest.skip("the model's blocks have one frame")
        held = []
        for row, parameter in enumerate(model.metadata.parameters):
            low = np.full((len(model.metadata.parameters), block), 0.5, np.float32)
            low[row] = 0.0
            rising, high = low.copy(), low.copy()
            rising[row, 1:], high[row] = 1.0, 1.0
            if parameter.name in self.held_parameters or self.difference(model, low, high) <= self.agreement:
                continue
            if self.difference(model, low, rising) <= self.agreement:
                held.append(parameter.name)
        assert not held, (
            f"parameters of which only the first value in a block counts: {held}; if so, list them in held_parameters"
        )

    def test_delay_is_as_reported(self, model: Model) -> None:
        if not self.measurable_delay:
            pytest.skip("the model's delay cannot be measured")
        rate, block = self.native(model)
        session = model.prepare(rate, block)
        reported = model.model_delay if session.model_delay is None else session.model_delay
        count = -(-(rate + reported) // block)  # noise of a second: less resembles other noise too much
        audio = self.noise((1, count * block))
        channels = np.repeat(audio, model.input_channels, axis=0)
        out = self.run_blocks(session, [channels[:, i * block : (i + 1) * block] for i in range(count)])
        result = compare_delay("delay", audio[0], out, reported, rate)
        assert result.passed is not False, (
            f"model_delay: {result.detail}; if this is wrong, set measurable_delay = False"
        )

    def test_import_is_light(self) -> None:
        module = self.backend.__module__
        if module == "__main__" or importlib.util.find_spec(module.partition(".")[0]) is None:
            pytest.skip(f"the backend's module {module} cannot be imported by name")
        code = f"import sys; sys.path[:] = {sys.path!r}; before = set(sys.modules); import {module}; "
        code += f"print(*sorted({set(SLOW_IMPORTS)!r} & (sys.modules.keys() - before)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        loaded = done.stdout.splitlines()[-1]
        assert not loaded, f"importing {module} imports {loaded}; import it in load"

    def test_in_an_engine(self, model: Model) -> None:
        engine = Engine(model, sample_rate=48_000, block_size=128, channels=2)
        audio = self.noise((2, 128 * 64))
        out = np.concatenate([engine.process(audio[:, i : i + 128]) for i in range(0, audio.shape[1], 128)], axis=1)
        assert np.isfinite(out).all()
        assert np.abs(out).max() > 0
        assert engine.stats.starved_frames == 0
        assert engine.stats.failed_blocks == 0
