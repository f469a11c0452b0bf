"""The engine: runs a model at a host's sample rate and block size, one call per block."""

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
    """Run a model on a host's audio, block by block.

    The engine picks the model's rate: the host's own if the model supports it, otherwise the next higher one, otherwise
    the next lower one. From the block sizes that the model supports it picks the one with the least latency.

    If the host and the model have different channel counts, channels are mapped. A mono model receives the mean of a
    stereo signal, and its output goes to both sides. In general, if A channels are mapped to B, output channel b is the
    mean of all input channels a with a mod B == b. If there are none, because B > A, it is a copy of input channel
    b mod A.

    Resampling, queues, channel mapping, parameters, wet/dry mix and gains run in compiled code.

    Args:
        model: The model to run, as :func:`neutone.load` returns it.
        sample_rate: The host's sample rate in Hz.
        block_size: The host's block size in frames: the number of frames per call of :meth:`process`.
        channels: The host's number of channels, both in and out.
        resampler: ``"sinc"`` (band-limited), ``"hermite"`` or ``"linear"`` (both cheaper, with duller highs). It is
            used only if the model runs at another rate than the host.
        taps: The length of the sinc resampler's filter: an even number of samples, 8..128, at the lower of the two
            rates. A longer filter is more accurate, and adds more latency: as many samples as its length.
        fixed_blocks: Whether every host block has exactly ``block_size`` frames. If False, a block may also be shorter,
            which adds up to one model block of latency.
        background: Run the model in a worker thread, not in the thread that calls :meth:`process`. Audio passes between
            the threads through lock-free queues. All engines share a pool of worker threads. For hosts in C,
            ``live.callback`` is a callback that never enters Python.
        slack: How many host blocks of time a model in the background has to compute its output. They add to the
            latency. Use more than 1 if the model needs longer than a host block to compute one of its own blocks. With
            0, no worker thread is used: the model runs in the callback itself, which needs a session with native
            functions (those of ONNX models have them).
        late: What is heard if a model in the background is late: ``"silence"``, ``"dry"`` (the input) or ``"repeat"``
            (the last block again, fading out). Late frames are counted; they do not change the latency.

    In the background, :meth:`process` does not wait for the model, so a real-time thread may call it. Other threads may
    call :meth:`reset` and :meth:`configure` at the same time: the current sound fades out over the next block, and the
    new stream starts from silence. If the model fails, ``live.error`` says why.

    Raises:
        neutone.errors.ConfigurationError: A value is outside its range (this is a :class:`ValueError`), or ``slack`` is
            0 but the model cannot run without Python.

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
                f"model is a {type(model).__name__}, expected what neutone.load returns (a neutone.plugins.Model)"
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
        """Open a session and a stream for these settings. They replace the current ones only once they are complete."""
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
        """Return the model's own delay in host frames."""
        if not isinstance(session, Session):
            raise ConfigurationError(
                f"{type(self._model).__name__}.prepare returned a {type(session).__name__}, expected a "
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
        """Process one host block.

        Args:
            audio: The input, float32 of shape (channels, n), with n = ``block_size``, or with ``fixed_blocks=False``
                any n up to ``block_size``. NaN and infinities become silence.
            out: The array for the result, float32 of shape (channels, n). It may be ``audio`` itself. By default a new
                array is made.
            params: Either a mapping from names to natural values, which sets these parameters before the block. Or a
                float32 array of shape (P, n) with values in 0..1, which holds the values of the P declared parameters
                for each frame of this block. Values outside of 0..1 are clamped.

        Returns:
            ``out``: the result, ``latency.total`` frames later than ``audio``.

        Raises:
            ValueError: The shape, channel count or number of frames is wrong, or ``params`` contains NaN. The block was
                not processed.
            TypeError: An array is not float32.
            KeyError: ``params`` names a parameter that the model does not declare.
            neutone.errors.InferenceError: The model raised an exception. Its block becomes silence, and the engine can
                still be used.
        """
        process = self._process  # CPython calls a local faster than an attribute that is not a method: 130 instructions
        if params is None:
            return process(audio, out)
        if isinstance(params, Mapping):
            self._parameters.update(params)
            return process(audio, out)
        return process(audio, out, params)

    def reset(self) -> None:
        """Clear the queues, the resamplers, the model's state and the counters. Parameters and levels stay."""
        self._place.reset(lambda: self._open(self._settings))

    def configure(
        self,
        *,
        sample_rate: int | None = None,
        block_size: int | None = None,
        channels: int | None = None,
        fixed_blocks: bool | None = None,
    ) -> None:
        """Change the host's sample rate (Hz), block size (frames), channel count or ``fixed_blocks``. Values that are
        not given stay.

        The engine starts from silence afterwards; parameters and levels stay. If this raises, the engine is unchanged.

        Raises:
            RuntimeError: The engine is processing a block: another thread is in :meth:`process`, or the model itself
                made this call.
            neutone.errors.ConfigurationError: A value is outside its range, or the channel count would change while a
                host plays the engine.
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
        """Free the memory and threads of the model's runtime.
        The engine cannot be used afterwards. A callback that still runs outputs silence."""
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
        """The interface for hosts and monitors of an engine in the background.
        None if the engine was not made with ``background=True``."""
        return self._live

    @property
    def fixed_channels(self) -> bool:
        """Whether the channel count cannot change because a host plays the engine."""
        return self._live is not None and self._live.claimed

    @property
    def error(self) -> InferenceError | None:
        """The last failure of a model in the background since the last reset, or None if there was none.
        The block that failed became silence."""
        return None if self._live is None else self._live.error

    callback = OfLive("callback")
    claim = OfLive("claim")
    release = OfLive("release")
    blocking = OfLive("blocking")
    audio_priority = OfLive("audio_priority")
    live_stats = OfLive("stats")
    take_peaks = OfLive("take_peaks")

    # -- description ---------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The model that the engine runs."""
        return self._model

    @property
    def sample_rate(self) -> int:
        """The host's sample rate in Hz."""
        return self._settings.sample_rate

    @property
    def block_size(self) -> int:
        """The host's block size in frames."""
        return self._settings.block_size

    @property
    def channels(self) -> int:
        """The host's number of channels, both in and out."""
        return self._settings.channels

    @property
    def fixed_blocks(self) -> bool:
        """Whether every host block has exactly ``block_size`` frames."""
        return self._settings.fixed_blocks

    @property
    def model_sample_rate(self) -> int:
        """The sample rate in Hz at which the model runs."""
        return self._schedule.model_rate

    @property
    def model_block_size(self) -> int | None:
        """The number of frames in a model block, or None if the model takes blocks of any size as they arrive."""
        return self._schedule.model_block or None

    @property
    def latency(self) -> Latency:
        """The latency in host frames. An impulse at input frame 0 comes out at frame ``latency.total``."""
        return self._latency

    @property
    def stats(self) -> EngineStats:
        """The counters since the last reset."""
        return EngineStats(**self._stream.stats, scheduling=self._place.scheduling)

    # -- settings ------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> ParameterSet:
        """The declared parameters by name, in natural units. A change ramps over the next block."""
        return self._parameters
