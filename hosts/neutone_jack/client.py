"""A client of a JACK server, with ports for an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neutone.errors import HostError
from neutone_jack._callback import Callback
from neutone_jack.connection import Connection
from neutone_jack.library import load_library


class Client:
    """A client with ports ``in_1..``, ``out_1..`` and ``midi_in`` that a callback in C serves.
    It is not active at first."""

    name: str
    """The name that JACK gave to the client."""
    sample_rate: int
    """The server's sample rate in Hz when the client was opened."""
    period: int
    """The server's period in frames when the client was opened."""
    real_time_priority: int
    """The SCHED_FIFO priority of the client's audio thread; 0 for an ordinary thread."""

    def __init__(self, name: str, server: str | None, channels: int, callback: Callback) -> None:
        self._library = load_library()
        self._callback = callback
        self._connection = Connection(name, server, keeps=callback)
        try:
            self._ask(lambda client: self._register(client, channels), f"JACK refuses the ports of the client {name!r}")
        except BaseException:
            self.close()
            raise

    def _ask(self, call: Callable[[Any], None], refusal: str) -> None:
        try:
            self._connection.ask(call)
        except self._library.jack.JackError as error:
            raise HostError(f"{refusal}: {error}") from error

    def _register(self, client: Any, channels: int) -> None:
        self._inputs = [client.inports.register(f"in_{i + 1}") for i in range(channels)]
        self._outputs = [client.outports.register(f"out_{i + 1}") for i in range(channels)]
        midi = client.midi_inports.register("midi_in")
        address_of = self._library.address_of
        self._address = address_of(client)
        self._callback.attach(
            self._library.functions,
            [address_of(port) for port in self._inputs],
            [address_of(port) for port in self._outputs],
            address_of(midi),
        )
        self._library.set_callbacks(self._address, self._callback)
        self.name = client.name
        self.sample_rate, self.period = int(client.samplerate), int(client.blocksize)
        self.real_time_priority = self._library.real_time_priority(self._address)

    def activate(self) -> None:
        """Let audio reach the gate. Raises :class:`~neutone.errors.HostError` if the server refuses."""
        self._ask(lambda client: client.activate(), f"JACK does not activate the client {self.name!r}")

    def connect_to_hardware(self) -> None:
        """Connect the physical capture ports to the in ports, and the out ports to the physical playback ports, one by
        one. A single out port is connected to the first two playback ports."""
        self._ask(self._connect, f"JACK does not connect the client {self.name!r}")

    def _connect(self, client: Any) -> None:
        captures = client.get_ports(is_audio=True, is_physical=True, is_output=True)
        playbacks = client.get_ports(is_audio=True, is_physical=True, is_input=True)
        outputs = self._outputs * 2 if len(self._outputs) == 1 else self._outputs
        pairs = [*zip(captures, self._inputs, strict=False), *zip(outputs, playbacks, strict=False)]
        for source, target in pairs:
            try:
                client.connect(source, target)
            except self._library.jack.JackError as error:
                raise HostError(f"JACK does not connect {source.name} to {target.name}: {error}") from error

    def recompute_latencies(self) -> None:
        """Make the server ask for latencies again, after the engine's latency has changed. Raises
        :class:`~neutone.errors.HostError` if the server does not answer, or if the client is closed."""
        self._connection.ask(lambda _: self._library.recompute_latencies(self._address))

    def close(self) -> None:
        """Leave the server, whether it still runs or not. Returns within seconds, and may be called again.

        The gate must be closed, and the audio thread must have left it. Do not call this from libjack's own threads."""
        self._connection.close()
