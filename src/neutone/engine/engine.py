"""The engine: a model at work at a host's rate and block size, one call a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neutone._core import Schedule, Stream
from neutone.engine.calling import Calling
from neutone.engine.latency import Latency
from neutone.engine.live import Live, OfLive
from neutone.engine.mix import MixLevels, decibels_of_unit
from neutone.engine.parameter_set import ParameterSet
from neutone.engine.settings import BackgroundSettings, HostSettings
from neutone.engine.stats import EngineStats
from neutone.errors import ConfigurationError, InferenceError
from neutone.limits import MAX_DELAY
from neutone.model.contract import Model, Session
from neutone.validation import require_integer

if TYPE_CHECKING:
    from neutone.model.parameters import ParameterValue

Array = NDArray[np.float32]
Parameters: TypeAlias = "Mapping[str, ParameterValue] | Array"


class Engine(MixLevels):
    """Runs a model on a host's blocks.

    A model with other channels than the host is fed by this rule, and answers by it: channel b of B is the mean of the
    channels a with a mod B == b, or where there is none, channel b mod A. So a mono model hears the mean of a stereo
    signal, and its answer goes to both sides.

    The model's rate and block size are the best of those it supports: the host's own rate, else the nearest above, and
    the block with the least latency. Everything between (resampling, queues, channel mapping, parameters, wet/dry,
    gain) is done in compiled code.

    Args:
        model: what :func:`neutone.load` answers.
        sample_rate: of the host, Hz.
        block_size: frames a call.
        channels: of the host, in and out.
        resampler: ``"sinc"`` (band-limited), ``"hermite"`` or ``"linear"`` (cheaper, duller).
        taps: length of the sinc, 8..128, counted at the lower of the two rates.
        fixed_blocks: False where the host sends any number of frames up to ``block_size``; costs up to a model block of
            latency.
        background: run the model beside the audio thread, in a worker thread that all engines share. Audio is passed on
            through lock-free queues; the host's callback may be :attr:`callback`, in C, which never meets Python.
        slack: in the background, how many host blocks the model has to answer; they add to the latency. A model that
            computes a block of its own for longer needs more. 0 runs it in the callback, which needs a session with a
            native function (ONNX has one).
        late: in the background, what is heard where the model has not answered in time: ``"silence"``, ``"dry"`` (the
            input) or ``"repeat"`` (the last block again, fading). It is counted, and the latency stays.

    In the background nothing waits for the model: :meth:`process` may be called from a real-time thread, :meth:`reset`
    and :meth:`configure` from another one meanwhile (what sounds fades out over the next block, and the new begins with
    silence), a model that fails shows in :attr:`error`.

    Raises:
        neutone.errors.ConfigurationError: a value outside its range (a :class:`ValueError`), or ``slack=0`` for a model
            that cannot run without Python.

    >>> import neutone
    >>> model = neutone.load(neutone.default_model())
    >>> engine = Engine(model, sample_rate=44_100, block_size=512, channels=1)
    >>> engine.parameters["drive"] = 0.7
    >>> engine.process(np.zeros((1, 512), np.float32), params={"tone": 0.2}).shape
    (1, 512)
    >>> engine.latency
    Latency(resampling=32, buffering=0, model=0, slack=0)
    """

    def __init__(
        self,
        model: Model,
        sample_rate: int = 48_000,
        block_size: int = 512,
        channels: int = 2,
        *,
        resampler: str = "sinc",
        taps: int = 32,
        fixed_blocks: bool = True,
        background: bool = False,
        slack: int = 1,
        late: str = "silence",
    ) -> None:
        if not isinstance(model, Model):
            raise ConfigurationError(
                f"model is a {type(model).__name__}, expected what neutone.load answers (a neutone.plugins.Model)"
            )
        self._model = model
        metadata = model.metadata
        super().__init__(
            input_gain_db=decibels_of_unit(metadata.input_gain_default_value),
            output_gain_db=decibels_of_unit(metadata.output_gain_default_value),
            wet=metadata.wet_default_value,
            dry=metadata.dry_default_value,
        )
        self._parameters = ParameterSet(metadata.parameters)
        in_background = BackgroundSettings(slack, late)
        self._live = Live(in_background) if background else None
        self._place: Live | Calling = self._live or Calling()
        self._open(HostSettings(sample_rate, block_size, channels, resampler, taps, fixed_blocks))

    def _open(self, settings: HostSettings) -> None:
        """All that depends on the settings is made first, and takes its place only when it is complete."""
        metadata = self._model.metadata
        schedule = Schedule.choose(
            settings.sample_rate,
            settings.block_size,
            varies=not settings.fixed_blocks,
            resampler=settings.resampler,
            taps=settings.taps,
            model_rates=metadata.native_sample_rates,
            model_blocks=metadata.native_buffer_sizes,
        )
        session = self._model.prepare(schedule.model_rate, schedule.session_block)
        slack = self._place.slack * settings.block_size
        try:
            delay = self._host_delay_of(session, settings.sample_rate, schedule.model_rate)
            stream = Stream(
                schedule,
                session,
                host_channels=settings.channels,
                in_channels=self._model.input_channels,
                out_channels=self._model.output_channels,
                parameters=len(metadata.parameters),
                look_behind=metadata.look_behind_samples,
                model_delay=delay,
                delay=schedule.delay + slack,
                **self._place.stream_options(schedule),
            )
            self._parameters.send_to(stream.set_parameter)
            self.send_levels_to(stream.set_level)
            self._process = self._place.put(stream, session, settings.channels)
        except BaseException:
            if isinstance(session, Session):
                session.close()
            raise
        self._parameters.attach(stream.set_parameter, stream.get_parameter)
        self.attach_levels(stream.set_level)
        self._settings, self._schedule, self._stream = settings, schedule, stream
        self._latency = Latency(schedule.resampling, schedule.buffering, delay, slack)

    def _host_delay_of(self, session: Session, host_rate: int, model_rate: int) -> int:
        """The model's own delay in host frames."""
        if not isinstance(session, Session):
            raise ConfigurationError(
                f"{type(self._model).__name__}.prepare answered a {type(session).__name__}, expected a "
                f"neutone.plugins.Session"
            )
        delay = self._model.model_delay if session.model_delay is None else session.model_delay
        delay = require_integer(delay, f"model_delay of {type(self._model).__name__}", 0, MAX_DELAY)
        host_delay = round(delay * host_rate / model_rate)
        if host_delay > MAX_DELAY:
            raise ConfigurationError(
                f"model_delay of {type(self._model).__name__} is {delay} frames at {model_rate} Hz, which are "
                f"{host_delay} at the host's {host_rate} Hz, expected {MAX_DELAY} at most"
            )
        return host_delay

    # -- audio ---------------------------------------------------------------------------------------------------------

    def process(self, audio: Array, out: Array | None = None, params: Parameters | None = None) -> Array:
        """One host block.

        Args:
            audio: float32 (channels, n): n is ``block_size``, or with ``fixed_blocks=False`` anything up to it. NaN and
                infinities count as silence.
            out: where the result goes, float32 (channels, n); may be ``audio`` itself. By default a new array.
            params: a mapping sets parameters (natural units) before the block; a float32 (P, n) array in 0..1 drives
                the P declared parameters at sample granularity, for this block.

        Returns:
            ``out``, later than ``audio`` by ``latency.total`` frames.

        Raises:
            ValueError: wrong shape, channel count or number of frames, or NaN in ``params``; the block was not
                processed.
            TypeError: not float32.
            KeyError: ``params`` names a parameter that the model does not declare.
            neutone.errors.InferenceError: the model raised; its block is silence and the engine goes on.
        """
        if params is None:
            return self._process(audio, out)
        if isinstance(params, Mapping):
            self._parameters.update(params)
            return self._process(audio, out)
        return self._process(audio, out, params)

    def reset(self) -> None:
        """Forget all audio: queues, resamplers, the model's state, the counters. Parameters and levels stay."""
        self._place.reset(lambda: self._open(self._settings))

    def configure(
        self,
        *,
        sample_rate: int | None = None,
        block_size: int | None = None,
        channels: int | None = None,
        fixed_blocks: bool | None = None,
    ) -> None:
        """Another host rate (Hz), block size (frames) or channel count; starts from silence. Parameters and levels
        stay. Where it raises, the engine is as it was.

        Raises:
            RuntimeError: the engine is processing, in another thread or around this call.
            neutone.errors.ConfigurationError: a value outside its range, or another channel count while a host plays.
        """
        if self.fixed_channels and channels not in (None, self.channels):
            raise ConfigurationError(
                f"channels is {channels!r}, expected {self.channels} while a host plays: its ports do not change"
            )
        with self._place.replacing():
            before = self._settings
            settings = replace(
                before,
                sample_rate=before.sample_rate if sample_rate is None else sample_rate,
                block_size=before.block_size if block_size is None else block_size,
                channels=before.channels if channels is None else channels,
                fixed_blocks=before.fixed_blocks if fixed_blocks is None else fixed_blocks,
            )
            self._open(settings)

    def close(self) -> None:
        """Free what the model's runtime holds. The engine is not used afterwards; a callback that still calls it gets
        silence."""
        self._place.close()

    def __repr__(self) -> str:
        settings = self._settings
        return (
            f"<Engine {self._model.metadata.model_name!r}, host {settings.sample_rate} Hz / {settings.block_size} "
            f"frames / {settings.channels} channels, latency {self._latency.total}>"
        )

    def __copy__(self) -> Engine:
        raise TypeError("an engine cannot be copied or pickled: its session owns memory; make another from its model")

    def __deepcopy__(self, memo: object) -> Engine:
        return self.__copy__()

    def __reduce__(self) -> str:
        self.__copy__()
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in the background ---------------------------------------------------------------------------------------------

    @property
    def live(self) -> Live | None:
        """The engine's side for hosts and for those who watch it; None unless it was made with ``background=True``."""
        return self._live

    @property
    def fixed_channels(self) -> bool:
        """Whether a host plays the engine, so that its number of channels stays."""
        return self._live is not None and self._live.claimed

    @property
    def error(self) -> InferenceError | None:
        """In the background: the last failure of the model since the last reset, whose block became silence."""
        return None if self._live is None else self._live.error

    callback = OfLive("callback")
    claim = OfLive("claim")
    release = OfLive("release")
    blocking = OfLive("blocking")
    audio_priority = OfLive("audio_priority")
    live_stats = OfLive("stats")
    take_peaks = OfLive("take_peaks")

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The model it runs."""
        return self._model

    @property
    def sample_rate(self) -> int:
        """Of the host, Hz."""
        return self._settings.sample_rate

    @property
    def block_size(self) -> int:
        """Of the host, frames."""
        return self._settings.block_size

    @property
    def channels(self) -> int:
        """Of the host, in and out."""
        return self._settings.channels

    @property
    def fixed_blocks(self) -> bool:
        """Whether every block has exactly ``block_size`` frames."""
        return self._settings.fixed_blocks

    @property
    def model_sample_rate(self) -> int:
        """At which the model runs, Hz."""
        return self._schedule.model_rate

    @property
    def model_block_size(self) -> int | None:
        """Frames of a model block; None where the model takes what has arrived."""
        return self._schedule.model_block or None

    @property
    def latency(self) -> Latency:
        """In host frames; an impulse at frame 0 comes out at ``latency.total``."""
        return self._latency

    @property
    def stats(self) -> EngineStats:
        """What was counted since the last reset."""
        return EngineStats(**self._stream.stats, scheduling=self._place.scheduling)

    # -- settings ------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> ParameterSet:
        """The declared parameters by name, in natural units; a change ramps over the next block."""
        return self._parameters
