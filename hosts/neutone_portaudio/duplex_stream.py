"""The device of a run: a PortAudio stream."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time as clock
from concurrent.futures import Future, InvalidStateError
from typing import Any

from neutone import Engine
from neutone.errors import HostError
from neutone.plugins import Device
from neutone_portaudio._stream import ON_FINISHED, PROCESS, StreamCallback
from neutone_portaudio.devices import PortAudioDevice, require_sounddevice

SILENT_SECONDS = 3.0
"""A device that asks for no audio for this many seconds has gone away: not every host API of PortAudio reports it."""
OPEN_SECONDS = 10.0
"""How many seconds a device may take to start. Wireless devices are slow."""
CLOSE_SECONDS = 5.0

_left_behind: list[object] = []
"""Callbacks that PortAudio may still call, from streams that never returned from closing."""


def _leave_portaudio_at_exit() -> None:
    """Keep sounddevice from shutting PortAudio down at the interpreter's exit. If a device is gone, PortAudio's JACK
    part would then end the process with a failed assertion; if a device hangs, it would wait forever. The system frees
    everything anyway."""
    atexit.unregister(require_sounddevice()._exit_handler)


class DuplexStream(Device):
    """A stream with input from one device and output to another or the same one. It is watched for its end."""

    thread_name = "neutone-portaudio"

    def __init__(self, engine: Engine, gate: StreamCallback, source: PortAudioDevice, target: PortAudioDevice) -> None:
        self.gate: StreamCallback = gate
        self._engine = engine
        self._devices = source, target
        self._stream: Any = None

    def open(self) -> None:
        source, target = self._devices
        channels = self._engine.channels
        self._channels = min(channels, source.input_channels), min(max(channels, 2), target.output_channels)
        self.gate.attach(*self._channels, self._engine.block_size)
        self._sounddevice = require_sounddevice()

    def start(self) -> None:
        source, target = self._devices
        engine, (inputs, outputs) = self._engine, self._channels
        try:
            self._start_stream(self._sounddevice, (source.index, target.index), self._channels)
        except self._sounddevice.PortAudioError as error:
            raise HostError(
                f"{source.name} and {target.name} do not run at {engine.sample_rate} Hz, "
                f"{engine.block_size} frames, {inputs} in and {outputs} out: {error}"
            ) from error
        self._blocks, self._since = -1, clock.monotonic()

    def _start_stream(self, sounddevice: Any, devices: tuple[int, int], channels: tuple[int, int]) -> None:
        """Start the stream in a thread.
        If the device does not answer, the thread is left behind, and closes what it opens later."""
        started: Future[Any] = Future()

        def start() -> None:
            stream = None
            try:
                stream = self._open_stream(sounddevice, devices, channels)
                stream.start()
                started.set_result(stream)
            except BaseException as error:  # includes the case that nobody waits for the stream any more
                if stream is not None:
                    stream.close()
                if not isinstance(error, InvalidStateError):
                    with contextlib.suppress(InvalidStateError):
                        started.set_exception(error)

        threading.Thread(target=start, name="neutone-portaudio-open", daemon=True).start()
        try:
            self._stream = started.result(OPEN_SECONDS)
        except TimeoutError:
            if not started.cancel():
                self._stream = started.result()
                return
            _leave_portaudio_at_exit()
            raise HostError(f"the audio device does not answer: it did not start within {OPEN_SECONDS:g} s") from None

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
            userdata=cast("void*", self.gate.address),
            wrap_callback=None,
        )
        sounddevice._lib.Pa_SetStreamFinishedCallback(stream._ptr, cast("PaStreamFinishedCallback*", ON_FINISHED))
        return stream

    @property
    def latency(self) -> tuple[float, float]:
        """PortAudio's estimate of the devices' input and output latency in seconds."""
        return tuple(self._stream.latency)

    @property
    def counts(self) -> tuple[int, int]:
        blocks, xruns, _ = self.gate.notes
        return blocks, xruns

    def watch(self) -> HostError | None:
        blocks, _, finished = self.gate.notes
        if blocks != self._blocks:
            self._blocks, self._since = blocks, clock.monotonic()
        if finished:
            return HostError("the audio device went away: its stream ended")
        if clock.monotonic() - self._since > SILENT_SECONDS:
            return HostError(f"the audio device went away: it asked for no audio for {SILENT_SECONDS:g} s")
        return None

    def close(self, *, lost: bool) -> None:
        """Close the stream. A device that is gone may not answer; then its stream is left behind."""
        if lost:
            _leave_portaudio_at_exit()
        if self._stream is None:
            return
        closing = threading.Thread(target=self._stream.close, name="neutone-portaudio-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            _left_behind.append((self._stream, self.gate))
            _leave_portaudio_at_exit()
