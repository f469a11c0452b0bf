"""The PortAudio host: plays an engine on a sound card."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from neutone import Engine
from neutone.errors import ConfigurationError
from neutone.plugins import Model, RunHost
from neutone_portaudio._stream import StreamCallback
from neutone_portaudio.devices import DeviceChoice, PortAudioDevice, find_device, list_devices, pair_of_devices
from neutone_portaudio.duplex_stream import DuplexStream
from neutone_portaudio.file_player import FilePlayer

MAX_BLOCK = 16_384


def _check_block_size(block_size: object) -> None:
    """Check the block size here:
    PortAudio's JACK part opens streams of any size, but never returns from closing a huge one."""
    if isinstance(block_size, int) and not 1 <= block_size <= MAX_BLOCK:
        raise ConfigurationError(f"block_size is {block_size}, expected an integer from 1 to {MAX_BLOCK}")


class PortAudioHost(RunHost[DuplexStream]):
    """Plays an engine between a sound card's inputs and outputs. The audio callback is written in C and never waits.

    A mono engine gets the first input and plays on the first two outputs. Otherwise channels are connected one by one,
    as far as the device has them. The total latency between the sound card's jacks is :attr:`latency` plus
    :attr:`device_latency`.

    Args:
        engine: The engine, made with ``background=True``. The device is opened at its sample rate and block size.
        device: The index or part of the name of a device as in :meth:`devices`, or a pair of them for input and output.
            By default the system's default devices.
    """

    name: ClassVar[str] = "portaudio"
    requires: ClassVar[tuple[str, ...]] = ("sounddevice",)
    extra: ClassVar[str] = "neutone[portaudio]"

    def __init__(self, engine: Engine, *, device: DeviceChoice | tuple[DeviceChoice, DeviceChoice] = None) -> None:
        super().__init__(engine)
        self._device = pair_of_devices(device)

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
        """Make a host that is ready to start, with an engine of its own. :meth:`close` closes both.

        Args:
            model: The model to run, as :func:`neutone.load` returns it.
            device: The device, or the pair of devices for input and output, as in the constructor.
            sample_rate: The sample rate in Hz; by default the input device's own.
            block_size: The number of frames per callback.
            channels: The number of channels; by default the model's input or output channels, whichever are more.
            slack, late, engine_options: As in :class:`neutone.Engine`.

        Raises:
            neutone.errors.ConfigurationError: The device or a number is not valid.
            neutone.errors.HostError: There is no such device.
            neutone.errors.MissingExtraError: sounddevice or PortAudio is not installed.
        """
        devices = pair_of_devices(device)
        _check_block_size(block_size)
        if sample_rate is None:
            sample_rate = find_device(devices[0], "input").sample_rate
        engine = cls._open_engine(model, sample_rate, block_size, channels, slack=slack, late=late, **engine_options)
        return cls._around(engine, device=devices)

    @staticmethod
    def devices() -> list[PortAudioDevice]:
        """Return the devices that PortAudio finds.
        Raises :class:`~neutone.errors.MissingExtraError` if it is not installed."""
        return list_devices()

    @staticmethod
    def player(device: DeviceChoice = None) -> FilePlayer:
        """Return a player of audio files for an output device: by default the system's.

        Raises the errors of :meth:`open`.
        """
        return FilePlayer(device)

    def _make_device(self) -> DuplexStream:
        _check_block_size(self._engine.block_size)
        source, target = find_device(self._device[0], "input"), find_device(self._device[1], "output")
        gate = StreamCallback(self._live.callback, self._engine.channels)
        return DuplexStream(self._engine, gate, source, target)

    @property
    def device_latency(self) -> tuple[float, float]:
        """PortAudio's estimate of the device's input and output latency in seconds;
        (0, 0) while the host is stopped."""
        run = self._run
        return (0.0, 0.0) if run is None else run.ask(lambda stream: stream.latency, (0.0, 0.0))
