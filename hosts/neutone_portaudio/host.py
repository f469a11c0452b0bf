"""An engine on a sound card."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from neutone import Engine
from neutone.errors import ConfigurationError
from neutone.plugins import Model, RunHost
from neutone_portaudio._stream import StreamCallback
from neutone_portaudio.devices import DeviceChoice, PortAudioDevice, find_device, list_devices, pair_of_devices
from neutone_portaudio.duplex_stream import DuplexStream

MAX_BLOCK = 16_384


def _check_block_size(block_size: object) -> None:
    """PortAudio's JACK part opens a stream of blocks of any size, and does not come back from closing a huge one."""
    if isinstance(block_size, int) and not 1 <= block_size <= MAX_BLOCK:
        raise ConfigurationError(f"block_size is {block_size}, expected an integer from 1 to {MAX_BLOCK}")


class PortAudioHost(RunHost[DuplexStream]):
    """An engine between a sound card's inputs and outputs; the audio callback is C and never waits.

    Args:
        engine: made with ``background=True``; its rate and block size are asked of the device.
        device: an index or part of a name as in :meth:`devices`, or a pair of them for input and output; by default
            the system's.

    A mono engine hears the first input and plays on the first two outputs; otherwise channels go one by one, as far as
    the device has them. Between the sound card's jacks lie :attr:`latency` and :attr:`device_latency`.
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
        """A host, ready to start, with an engine of its own; :meth:`close` closes both.

        Args:
            sample_rate: Hz; by default the input device's own.
            block_size: frames a callback.
            channels: by default as many as the model has on its wider side.
            slack, late, engine_options: as in :class:`neutone.Engine`.

        Raises:
            neutone.errors.ConfigurationError: a device or number that cannot be.
            neutone.errors.HostError: no such device.
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
        """What PortAudio sees. Raises :class:`~neutone.errors.MissingExtraError` where it is not installed."""
        return list_devices()

    def _make_device(self) -> DuplexStream:
        _check_block_size(self._engine.block_size)
        source, target = find_device(self._device[0], "input"), find_device(self._device[1], "output")
        gate = StreamCallback(self._live.callback, self._engine.channels)
        return DuplexStream(self._engine, gate, source, target)

    @property
    def device_latency(self) -> tuple[float, float]:
        """What PortAudio estimates for the device's input and output, seconds; (0, 0) while the host is stopped."""
        run = self._run
        return (0.0, 0.0) if run is None else run.ask(lambda stream: stream.latency, (0.0, 0.0))
