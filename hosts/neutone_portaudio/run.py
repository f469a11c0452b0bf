"""An engine on a sound card, from a start to its stop."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time as clock
from concurrent.futures import Future, InvalidStateError
from typing import Any

from neutone import Engine
from neutone.errors import HostError
from neutone.plugins import LiveRun
from neutone_portaudio._stream import ON_FINISHED, PROCESS, StreamCallback
from neutone_portaudio.devices import PortAudioDevice, require_sounddevice

__all__ = ["PortAudioRun"]

POLL_SECONDS = 0.02
SILENT_SECONDS = 3.0
"""A device that asks for no audio for so long has gone: not every host API of PortAudio says so."""
OPEN_SECONDS = 10.0
"""Wireless devices take some."""
CLOSE_SECONDS = 5.0
IDLE_SECONDS = 1.0
JOIN_SECONDS = 5.0

_left_behind: list[object] = []
"""What PortAudio may still call: of streams that did not come back from closing."""


def _leave_portaudio_at_exit() -> None:
    """At the interpreter's exit sounddevice ends PortAudio. Where a device is gone, PortAudio's JACK part ends the
    process with a failed assertion then, and where one hangs, it waits for ever. The system frees all that is left."""
    atexit.unregister(require_sounddevice()._exit_handler)


class PortAudioRun(LiveRun):
    """A stream of PortAudio's, which is watched for its device's end."""

    def __init__(
        self, engine: Engine, callback: StreamCallback, source: PortAudioDevice, target: PortAudioDevice
    ) -> None:
        self._callback = callback
        self._devices = source, target
        self._stream: Any = None
        super().__init__(engine, "neutone-portaudio")

    def _open(self) -> None:
        source, target = self._devices
        engine, channels = self._engine, self._engine.channels
        inputs, outputs = min(channels, source.input_channels), min(max(channels, 2), target.output_channels)
        self._callback.attach(inputs, outputs, engine.block_size)
        self._begin()
        sounddevice = require_sounddevice()
        self._callback.open()
        try:
            self._start_stream(sounddevice, (source.index, target.index), (inputs, outputs))
        except sounddevice.PortAudioError as error:
            raise HostError(
                f"{source.name} and {target.name} do not run at {engine.sample_rate} Hz, "
                f"{engine.block_size} frames, {inputs} in and {outputs} out: {error}"
            ) from error

    def _start_stream(self, sounddevice: Any, devices: tuple[int, int], channels: tuple[int, int]) -> None:
        """In a thread that is left behind where the device does not answer; what it opens later it closes."""
        started: Future[Any] = Future()

        def start() -> None:
            stream = None
            try:
                stream = self._open_stream(sounddevice, devices, channels)
                stream.start()
                started.set_result(stream)
            except BaseException as error:  # also that nobody waits for it any more
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
            userdata=cast("void*", self._callback.address),
            wrap_callback=None,
        )
        sounddevice._lib.Pa_SetStreamFinishedCallback(stream._ptr, cast("PaStreamFinishedCallback*", ON_FINISHED))
        return stream

    @property
    def device_latency(self) -> tuple[float, float]:
        """What PortAudio estimates for the device's input and output, seconds; (0, 0) once it has ended."""
        with self._ending:
            return (0.0, 0.0) if self.ended.is_set() else tuple(self._stream.latency)

    def _close(self) -> None:
        """A device that is gone may not answer: then its stream is left behind."""
        self._callback.close()
        if self._stream is None:
            return
        deadline = clock.monotonic() + IDLE_SECONDS
        while not self._callback.idle and clock.monotonic() < deadline:
            clock.sleep(0.001)
        closing = threading.Thread(target=self._stream.close, name="neutone-portaudio-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            _left_behind.append((self._stream, self._callback))
            _leave_portaudio_at_exit()

    def _keep(self) -> None:
        before, since = -1, clock.monotonic()
        while not self._stopping.wait(POLL_SECONDS):
            blocks, _, finished = self._callback.notes
            if blocks != before:
                before, since = blocks, clock.monotonic()
            silent = clock.monotonic() - since > SILENT_SECONDS
            if finished or silent:
                why = "its stream ended" if finished else f"it asked for no audio for {SILENT_SECONDS:g} s"
                self._end_by_itself(HostError(f"the audio device went away: {why}"))
                return

    def _end_by_itself(self, error: HostError) -> None:
        """Unless it was being stopped, which ends a stream, too."""
        with self._ending:
            if self._stopping.is_set():
                return
            self.error = error
            _leave_portaudio_at_exit()
        self._leave()
