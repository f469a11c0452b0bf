"""One engine from its creation to its end, with random calls in between. All of it depends on one number only."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.engine_arrays import draw_audio, draw_out, lay_out
from fuzz.engine_misuse import MisusedEngine, describe
from fuzz.engine_models import OnPurposeError, ProbeModel
from fuzz.engine_oracle import DelayOracle, WrongAnswerError
from neutone import Engine
from neutone.errors import ConfigurationError, InferenceError, ModelFileError, NeutoneError

__all__ = ["EngineLife"]

Array = NDArray[np.float32]

HOST_RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000, 384_000)
BLOCKS = (1, 2, 3, 16, 61, 64, 100, 128, 256, 441, 512, 997, 1024, 2048)
MOST_CALLS = 60
MOST_SAMPLES = 200_000
"""The most samples in a life, over all channels."""
MOST_RUNS = 8_000
"""The most model runs in a life."""


class EngineLife(MisusedEngine):
    """An engine, and what is expected of it."""

    def __init__(self, number: int) -> None:
        self.rng = rng = random.Random(number)
        rate = rng.choice(HOST_RATES) if rng.random() < 0.7 else rng.randint(8_000, 384_000)
        self.model = ProbeModel(rng, rate)
        self.block = rng.choice(BLOCKS) if rng.random() < 0.8 else rng.randint(1, 1500)
        channels = rng.choice([1, 1, 2, 2, self.model.input_channels, self.model.output_channels, 3])
        self.background = rng.random() < 0.35
        self.late_mode = rng.choice(["silence", "dry", "repeat"])
        self.engine = Engine(
            self.model,
            rate,
            self.block,
            channels,
            resampler=rng.choice(["sinc", "hermite", "linear"]),
            taps=rng.choice([8, 32, 64, 128]),
            fixed_blocks=rng.random() < 0.6,
            background=self.background,
            slack=rng.choice([1, 1, 2, 5]),
            late=self.late_mode,
        )
        if self.background:
            self.engine.blocking = rng.random() < 0.6
            self.model.faults.slow = rng.choice([0.0, 0.0, 0.001, 0.01])
        if rng.random() < 0.4:
            self._set_levels()
        self.oracle = DelayOracle(self.engine, self.model)
        self.takeovers = 0
        self.was_replaced = False
        """Whether a stream was replaced. The new one rises from silence, even if nothing has sounded yet."""
        self.is_rising = False
        """Whether a new stream has not processed a block yet; blocks may have been refused or empty."""
        self.late = self.lost = 0
        self.samples = 0
        self.since_reset = {"frames": 0, "blocks": 0, "raised": 0}

    def live(self) -> None:
        """Run the whole life. Raises an error if the engine breaks a promise."""
        calls: list[tuple[int, Callable[[], None]]] = [
            (60, self.process),
            (6, self.process_refused),
            (4, self.set_parameters),
            (2, self.set_wrong_parameters),
            (2, self.change_levels),
            (2, self.reset),
            (2, self.configure),
            (2, self.configure_wrongly),
            (3, self.look),
            (1, self.copy),
            (1, self.use_two_threads),
            (1, self.claim),
        ]
        if self.background:
            calls.append((2, self.toggle_blocking))
        weights = [weight for weight, _ in calls]
        try:
            for _ in range(self.rng.randrange(5, MOST_CALLS)):
                if self.samples > MOST_SAMPLES or self.model.faults.runs > MOST_RUNS:
                    break
                self.rng.choices(calls, weights)[0][1]()
                self._check_complaints()
        finally:
            self.engine.close()
        self.after_close()
        self._check_complaints()

    def _check_complaints(self) -> None:
        if self.model.complaints:
            raise WrongAnswerError(self.model.complaints[0])

    # -- audio ---------------------------------------------------------------------------------------------------------

    def process(self) -> None:
        """Process a block, and check the output."""
        engine, rng = self.engine, self.rng
        values = draw_audio(rng, engine.channels, self.draw_frames())
        audio = lay_out(rng, values)
        curves, params = self._draw_params(values.shape[1])
        out: Any = None
        must_take: bool | None = True
        if rng.random() < 0.5:
            out, must_take = draw_out(rng, audio, engine.channels, values.shape[1])
        is_wrong = must_take is False or (curves is not None and np.isnan(curves).any())
        raised_before = self.model.faults.raised
        try:
            got = engine.process(audio, out=out, params=params)
        except InferenceError as error:
            if not isinstance(error.__cause__, OnPurposeError) or self.background or is_wrong:
                raise
            if out is None:  # the block is complete, but nobody has the output
                self.oracle.write(values, curves)
                self._count(values.shape[1], raised_before)
                self.oracle.doubt()
                return
            got = out
        except (NeutoneError, TypeError, ValueError):
            if not is_wrong and must_take is True:
                raise
            return
        if is_wrong:
            raise WrongAnswerError(
                "process took what it should refuse", f"out={describe(out)}, params={describe(params)}"
            )
        self._check_block(values, curves, got, out)
        self._count(values.shape[1], raised_before)

    def _check_block(self, values: Array, curves: Array | None, got: Any, out: Any) -> None:
        if out is not None and got is not out:
            raise WrongAnswerError("process did not return out")
        answer = np.asarray(got)
        if answer.shape != values.shape or answer.dtype != np.float32:
            raise WrongAnswerError(
                "the output has the wrong shape or type", f"{describe(answer)} for {describe(values)}"
            )
        late, takes_over = self._count_late(values.shape[1])
        if takes_over:
            self.oracle.restart()
            self.is_rising = self.was_replaced
        self.oracle.write(values, curves, fades_in=self.is_rising)
        self.is_rising = self.is_rising and values.shape[1] == 0
        if self.lost:
            self.oracle.is_exact = False
        self.oracle.check(answer, late, self.late_mode)
        self.samples += answer.size

    def _count_late(self, frames: int) -> tuple[int, bool]:
        """Return how many frames of the last block were late, and whether a new stream took over in it."""
        if not self.background:
            return 0, False
        stats = self.engine.live_stats
        late, self.late = stats.late_frames - self.late, stats.late_frames
        self.lost = stats.lost_frames
        takes_over, self.takeovers = stats.takeovers > self.takeovers, stats.takeovers
        if not 0 <= late <= frames:
            raise WrongAnswerError("late frames are counted wrongly", f"{late} of {frames}")
        return late, takes_over

    def _count(self, frames: int, raised_before: int) -> None:
        self.since_reset["frames"] += frames
        self.since_reset["blocks"] += frames > 0
        self.since_reset["raised"] += self.model.faults.raised - raised_before
        if self.background:
            return
        stats = self.engine.stats
        expected = (self.since_reset["frames"], self.since_reset["blocks"], self.since_reset["raised"], 0, 0)
        got = (stats.host_frames, stats.host_blocks, stats.failed_blocks, stats.starved_frames, stats.lost_frames)
        if got != expected:
            raise WrongAnswerError(
                "stats are wrong", f"{stats}, expected frames, blocks, failures, starved, lost {expected}"
            )

    def _draw_params(self, frames: int) -> tuple[Array | None, Any]:
        """Return the curves, and the argument for process: the curves in some layout, a mapping, or None."""
        engine, rng = self.engine, self.rng
        count = len(engine.parameters)
        kind = rng.random()
        if kind < 0.6:
            return None, None
        if kind < 0.75:
            return None, {name: rng.random() for name in engine.parameters if rng.random() < 0.5}
        curves = np.random.default_rng(rng.getrandbits(32)).uniform(-0.2, 1.2, (count, frames)).astype(np.float32)
        if rng.random() < 0.1 and curves.size:
            curves[rng.randrange(count), rng.randrange(frames)] = np.nan
        return curves, lay_out(rng, curves) if count else curves

    # -- settings ------------------------------------------------------------------------------------------------------

    def set_parameters(self) -> None:
        """Set a new value, restore a default, or restore all defaults."""
        parameters, rng = self.engine.parameters, self.rng
        if not len(parameters):
            return
        name = rng.choice(list(parameters))
        kind = rng.randrange(4)
        if kind == 0:
            del parameters[name]
        elif kind == 1:
            parameters.clear()
        else:
            value: Any = rng.choice([0, 1, rng.random(), np.float32(0.25)])
            parameters[name] = value
            if not np.isclose(float(parameters[name]), float(value), atol=1e-7):
                raise WrongAnswerError("a parameter is not what it was set to", f"{value!r}, {parameters[name]!r}")

    def _set_levels(self) -> None:
        engine, rng = self.engine, self.rng
        engine.wet, engine.dry = rng.choice([0.0, 0.5, 1.0]), rng.choice([0, 0.25, 1])
        engine.input_gain_db = rng.choice([0, 0, -30, 6.5, 30])
        engine.output_gain_db = rng.choice([0, 0, -30, -6, 30])

    def change_levels(self) -> None:
        """Change gains and mix, and try values that must be refused."""
        self._set_levels()
        self.oracle.doubt()
        name = self.rng.choice(["wet", "dry", "input_gain_db", "output_gain_db"])
        before = getattr(self.engine, name)
        value = self.rng.choice([float("nan"), 1e9, -1e9, float("inf"), "x", None, 10**400, [], object()])
        self.must_refuse(lambda: setattr(self.engine, name, value), (ConfigurationError,))
        if getattr(self.engine, name) != before:
            raise WrongAnswerError(
                "a refused value changed a level", f"{name} was {before}, is {getattr(self.engine, name)}"
            )

    def toggle_blocking(self) -> None:
        """Change whether the host waits for the model. Frames that are late then are never replaced."""
        self.engine.blocking = not self.engine.blocking

    # -- other streams -------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Reset the engine: the stream starts from silence again."""
        self.engine.reset()
        self._began_again()

    def _began_again(self) -> None:
        self.since_reset = {"frames": 0, "blocks": 0, "raised": 0}
        self.was_replaced = True
        if not self.background:  # otherwise the new stream takes over with the next block
            self.oracle.restart()

    def configure(self) -> None:
        """Change the rate, block size or channel count, or try to while the model cannot be prepared."""
        engine, rng = self.engine, self.rng
        wanted: dict[str, Any] = {}
        if rng.random() < 0.5:
            wanted["sample_rate"] = rng.choice(HOST_RATES)
        if rng.random() < 0.5:
            wanted["block_size"] = np.int16(rng.choice(BLOCKS)) if rng.random() < 0.2 else rng.choice(BLOCKS)
        if rng.random() < 0.3:
            wanted["channels"] = rng.choice([1, 2, 3])
        if rng.random() < 0.3:
            wanted["fixed_blocks"] = rng.random() < 0.5
        if rng.random() < 0.15:
            self.model.faults.prepare_fails = True
            before = (repr(engine), engine.latency)
            self.must_refuse(lambda: engine.configure(**wanted), (ModelFileError,))
            if (repr(engine), engine.latency) != before:
                raise WrongAnswerError(
                    "a refused configure changed the engine", f"{before}, {engine!r}, {engine.latency}"
                )
            return
        engine.configure(**wanted)
        for name, value in wanted.items():
            if getattr(engine, name) != value:
                raise WrongAnswerError(
                    "configure did not do what it was told", f"{name} is {getattr(engine, name)!r}, not {value!r}"
                )
        self._began_again()

    # -- everything else -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read the properties, which is allowed at any time."""
        engine = self.engine
        (
            repr(engine),
            engine.latency.milliseconds(engine.sample_rate),
            engine.stats,
            engine.error,
            dict(engine.parameters),
        )
        if engine.latency.total < 0 or engine.latency.total != sum(engine.latency):
            raise WrongAnswerError("the latency does not add up", f"{engine.latency}")
        if self.background:
            live, peaks = engine.live_stats, engine.take_peaks()
            if live.late_frames > live.frames or live.load < 0 or not np.isfinite(peaks).all():
                raise WrongAnswerError("live_stats are wrong", f"{live}, peaks {peaks}")

    # -- threads and the end -------------------------------------------------------------------------------------------

    def use_two_threads(self) -> None:
        """Let a second thread process, reset and configure meanwhile. It may be refused, but nothing may break."""
        engine, seed = self.engine, self.rng.getrandbits(32)
        errors: list[BaseException] = []

        def disturb() -> None:
            rng = random.Random(seed)
            for _ in range(rng.randrange(1, 12)):
                call = rng.choice([self._play, engine.reset, self._configure_to_itself, self.look, self._set_first])
                try:
                    call()
                except (InferenceError, RuntimeError):  # only one thread at a time may use the engine
                    pass
                except BaseException as error:
                    errors.append(error)

        thread = threading.Thread(target=disturb)
        thread.start()
        for _ in range(20):
            with contextlib.suppress(InferenceError, RuntimeError):
                self._play()
        while thread.is_alive():
            with contextlib.suppress(InferenceError, RuntimeError):
                self._play()
            thread.join(0.001)
        if errors:
            raise errors[0]
        if self.background:  # the new stream takes over with the next block; until then, the output cannot be predicted
            self.oracle.is_exact = False
            self.takeovers = max(1, self.engine.live_stats.takeovers)
            self.late, self.lost = self.engine.live_stats.late_frames, self.engine.live_stats.lost_frames
        self.reset()

    def _play(self) -> None:
        engine = self.engine
        out = engine.process(np.full((engine.channels, engine.block_size), 0.5, np.float32))
        if not np.isfinite(out).all():
            raise WrongAnswerError("the output is not finite")

    def _configure_to_itself(self) -> None:
        self.engine.configure(block_size=self.engine.block_size)

    def _set_first(self) -> None:
        for name in list(self.engine.parameters)[:1]:
            self.engine.parameters[name] = 0.75

    def after_close(self) -> None:
        """Check the closed engine. Closing it again is no error. One in the background says that it is closed; nothing
        crashes."""
        engine = self.engine
        engine.close()
        for call in (self._play, engine.reset, self._configure_to_itself, self.look):
            try:
                call()
            except (RuntimeError, InferenceError):
                continue
            if self.background and call != self.look:
                raise WrongAnswerError("a closed engine did not say so", call.__name__)
        engine.close()
