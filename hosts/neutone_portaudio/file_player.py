"""Plays audio files: no model, no callback, and time to spare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from neutone.errors import HostError
from neutone_portaudio.devices import DeviceChoice, find_device, require_sounddevice


class FilePlayer:
    """Plays audio on an output device.

    Args:
        device: The index or part of the name of a device; by default the system's output device.

    Raises:
        neutone.errors.HostError: There is no such device.
        neutone.errors.MissingExtraError: sounddevice or PortAudio is not installed.
    """

    def __init__(self, device: DeviceChoice = None) -> None:
        self._sounddevice = require_sounddevice()
        self.device = find_device(device, "output")

    def play(
        self, blocks: Iterable[Any], sample_rate: int, channels: int, progress: Callable[[int], object] = int
    ) -> None:
        """Play blocks of audio, and return when the last one was heard.

        A mono signal plays on the first two outputs, and channels that the device does not have are not heard.

        Args:
            blocks: Arrays of float32 of shape (frames, channels).
            sample_rate: The sample rate in Hz.
            channels: The number of channels in the blocks.
            progress: A function that is called with the number of frames of each block.

        Raises:
            neutone.errors.HostError: The device cannot play at this rate, or has failed.
        """
        outputs = min(max(channels, 2), self.device.output_channels)
        try:
            with self._sounddevice.OutputStream(
                samplerate=sample_rate, device=self.device.index, channels=outputs, dtype="float32"
            ) as stream:
                for block in blocks:
                    heard = block.repeat(outputs, axis=1) if channels == 1 else block[:, :outputs]
                    stream.write(heard.copy(order="C"))
                    progress(len(block))
        except self._sounddevice.PortAudioError as error:
            raise HostError(
                f"{self.device.name} does not play {channels} channels at {sample_rate} Hz: {error}"
            ) from error
