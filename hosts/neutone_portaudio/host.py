"""An engine on a sound card."""

from __future__ import annotations

import atexit
import threading
import time as clock
from typing import Any, ClassVar, Self

from neutone import Engine, Latency
from neutone.errors import HostError
from neutone.plugins import HostStats, LiveHost, Model
from neutone_portaudio._stream import ON_FINISHED, PROCESS, StreamCallback
from neutone_portaudio.devices import DeviceChoice, PortAudioDevice, find_device, list_devices, require_sounddevice

__all__ = ["PortAudioHost"]

POLL_SECONDS = 0.02
SILENT_SECONDS = 3.0
"""A device that asks for no audio for so long has gone: not every host API of PortAudio says so."""
CLOSE_SECONDS = 5.0
IDLE_SECONDS = 1.0

_left_behind: list[object] = []
"""What PortAudio may still call: of streams that did not come back from closing."""


class PortAudioHost(LiveHost):
    """An engine between a sound card's inputs and outputs; the audio callback is C and never waits.

    Args:
        engine: made with ``background=True``; its rate and block size are asked of the device.
        device: an index or part of a name as in :meth:`devices`, or a pair of them for input and output; by default
            the system's.

    A mono engine hears the first input and plays on the first two outputs; otherwise channels go one by one, as far as
    the device has them. Between the sound card's jacks lie :attr:`latency` and :attr:`device_latency`.
    """

    name: ClassVar[str] = "portaudio"

    def __init__(self, engine: Engine, *, device: DeviceChoice | tuple[DeviceChoice, DeviceChoice] = None) -> None:
        self._engine = engine
        self._owns_engine = False
        self._device = device if isinstance(device, tuple) else (device, device)
        self._callback = StreamCallback(engine.callback, engine.channels)
        self._lock = threading.Lock()
        self._stream: Any = None
        self._late_before = 0
        self._error: HostError | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()

    @classmethod
    def open(
        cls,
        model: Model,
        *,
        device: DeviceChoice | tuple[DeviceChoice, DeviceChoice] = None,
        sample_rate: int | None = None,
        block_size: int = 256,
        channels: int | None = None,
        slack: int = 1,
        late: str = "silence",
        **engine_options: Any,
    ) -> Self:
        """A host, ready to start, with an engine of its own; :meth:`close` closes both.

        Args:
            sample_rate: Hz; by default the input device's own.
            block_size: frames a callback.
            channels: by default as many as the model has on its wider side.
            slack, late, engine_options: as in :class:`neutone.Engine`.

        Raises:
            neutone.errors.HostError: no such device.
            neutone.errors.MissingExtraError: sounddevice or PortAudio is not installed.
        """
        if sample_rate is None:
            sample_rate = find_device(device[0] if isinstance(device, tuple) else device, "input").sample_rate
        engine = Engine(
            model,
            sample_rate,
            block_size,
            max(model.input_channels, model.output_channels) if channels is None else channels,
            background=True,
            slack=slack,
            late=late,
            **engine_options,
        )
        host = cls(engine, device=device)
        host._owns_engine = True
        return host

    @staticmethod
    def devices() -> list[PortAudioDevice]:
        """What PortAudio sees. Raises :class:`~neutone.errors.MissingExtraError` where it is not installed."""
        return list_devices()

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the device and let audio flow.

        Raises:
            neutone.errors.HostError: there is no such device, or it refuses the rate, the block or the channels.
            neutone.errors.MissingExtraError: sounddevice or PortAudio is not installed.
        """
        with self._lock:
            if self._stream is not None:
                raise RuntimeError("the PortAudio host is running already")
            sounddevice = require_sounddevice()
            source, target = find_device(self._device[0], "input"), find_device(self._device[1], "output")
            channels = self._engine.channels
            inputs, outputs = min(channels, source.input_channels), min(max(channels, 2), target.output_channels)
            self._callback.attach(inputs, outputs, self._engine.block_size)
            self._error = None
            if self._engine.live_stats.blocks:
                self._engine.reset()
            self._late_before = self._engine.live_stats.late_frames
            stream = None
            self._callback.open()
            try:
                stream = self._open_stream(sounddevice, (source.index, target.index), (inputs, outputs))
                stream.start()
            except sounddevice.PortAudioError as error:
                if stream is not None:
                    self._close_stream(stream)
                raise HostError(
                    f"{source.name} and {target.name} do not run at {self._engine.sample_rate} Hz, "
                    f"{self._engine.block_size} frames, {inputs} in and {outputs} out: {error}"
                ) from error
            self._stream = stream
            self._stopping.clear()
            self._ended.clear()
            self._keeper = threading.Thread(target=self._keep, name="neutone-portaudio", daemon=True)
            self._keeper.start()

    def _open_stream(self, sounddevice: Any, devices: tuple[int, int], channels: tuple[int, int]) -> Any:
        cast = sounddevice._ffi.cast
        stream = sounddevice._StreamBase(
            kind="duplex",
            samplerate=self._engine.sample_rate,
            blocksize=self._engine.block_size,
            device=devices,
            channels=channels,
            dtype="float32",
            latency="low",
            callback=cast("PaStreamCallback*", PROCESS),
            userdata=cast("void*", self._callback.address),
            wrap_callback=None,
        )
        sounddevice._lib.Pa_SetStreamFinishedCallback(stream._ptr, cast("PaStreamFinishedCallback*", ON_FINISHED))
        return stream

    def stop(self) -> None:
        """Give the device back; returns within seconds, even where the device is gone."""
        self._stopping.set()
        keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join()
        self._leave()

    def close(self) -> None:
        """Stop, and close the engine if :meth:`open` made it. The host is not used afterwards."""
        self.stop()
        if self._owns_engine:
            self._engine.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Until the host no longer runs: stopped, or its device went away. False after `timeout` seconds."""
        return self._ended.wait(timeout)

    def _leave(self) -> None:
        with self._lock:
            stream, self._stream, self._keeper = self._stream, None, None
            if stream is None:
                return
            self._close_stream(stream)
            self._ended.set()

    def _close_stream(self, stream: Any) -> None:
        """A device that is gone may not answer: then its stream is left behind."""
        self._callback.close()
        deadline = clock.monotonic() + IDLE_SECONDS
        while not self._callback.idle and clock.monotonic() < deadline:
            clock.sleep(0.001)
        closing = threading.Thread(target=stream.close, name="neutone-portaudio-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            _left_behind.append((stream, self._callback))

    def _keep(self) -> None:
        before, since = -1, clock.monotonic()
        while not self._stopping.wait(POLL_SECONDS):
            blocks, _, finished = self._callback.notes
            if blocks != before:
                before, since = blocks, clock.monotonic()
            silent = clock.monotonic() - since > SILENT_SECONDS
            if finished or silent:
                why = "its stream ended" if finished else f"it asked for no audio for {SILENT_SECONDS:g} s"
                self._error = HostError(f"the audio device went away: {why}")
                self._leave()
                # At the interpreter's exit sounddevice ends PortAudio, and PortAudio's JACK part ends the process with
                # a failed assertion where the server is gone. The system frees all that is left.
                atexit.unregister(require_sounddevice()._exit_handler)
                return

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The engine that does the work."""
        return self._engine

    @property
    def running(self) -> bool:
        """Whether it has been started and neither stopped nor lost its device."""
        return not self._ended.is_set()

    @property
    def error(self) -> HostError | None:
        """Why the host ended by itself; None: it did not."""
        return self._error

    @property
    def device_latency(self) -> tuple[float, float]:
        """What PortAudio estimates for the device's input and output, seconds; (0, 0) while the host is stopped."""
        stream = self._stream
        return (0.0, 0.0) if stream is None else tuple(stream.latency)

    @property
    def stats(self) -> HostStats:
        blocks, xruns, _ = self._callback.notes
        live = self._engine.live_stats
        return HostStats(blocks=blocks, xruns=xruns, load=live.load, late_frames=live.late_frames - self._late_before)

    @property
    def latency(self) -> Latency:
        return self._engine.latency
