"""A client of a JACK server with an engine's ports."""

from __future__ import annotations

import threading
from typing import Any

from neutone.errors import HostError
from neutone_jack._callback import Callback, take_messages
from neutone_jack.library import Library, load_library

__all__ = ["Client", "open_client"]

CLOSE_SECONDS = 5.0
IDLE_SECONDS = 1.0

_left_behind: list[object] = []
"""What libjack may still call: of clients that did not come back from closing."""


def open_client(library: Library, name: str, server: str | None) -> Any:
    """A client of JACK-Client's. Never starts a server. Raises :class:`~neutone.errors.HostError`."""
    take_messages()
    try:
        return library.jack.Client(name, no_start_server=True, servername=server)
    except library.jack.JackOpenError as error:
        said = take_messages().strip().partition("\n")[0]
        which = "no JACK server is running" if server is None else f"no JACK server named {server!r} is running"
        if error.status.server_failed:
            message = f"{which}: start one, e.g. jackd -d alsa, or PipeWire's pw-jack; see docs/live.md"
        else:
            message = f"JACK refuses the client {name!r}: {error.status}"
        raise HostError(f"{message} (libjack: {said})" if said else message) from error


class Client:
    """Ports ``in_1..``, ``out_1..`` and ``midi_in`` on a server, driven by a callback in C; not active yet."""

    def __init__(self, name: str, server: str | None, channels: int, callback: Callback) -> None:
        self._library = load_library()
        self._callback = callback
        self._client = open_client(self._library, name, server)
        try:
            self.name: str = self._client.name
            self._inputs = [self._client.inports.register(f"in_{i + 1}") for i in range(channels)]
            self._outputs = [self._client.outports.register(f"out_{i + 1}") for i in range(channels)]
            midi = self._client.midi_inports.register("midi_in")
            address_of = self._library.address_of
            self._address = address_of(self._client)
            callback.attach(
                self._library.functions,
                [address_of(port) for port in self._inputs],
                [address_of(port) for port in self._outputs],
                address_of(midi),
            )
            self._library.set_callbacks(self._address, callback)
        except self._library.jack.JackError as error:
            self.close()
            raise HostError(f"JACK refuses the ports of the client {name!r}: {error}") from error
        except BaseException:
            self.close()
            raise

    @property
    def sample_rate(self) -> int:
        """The server's, Hz."""
        return int(self._client.samplerate)

    @property
    def period(self) -> int:
        """The server's, frames."""
        return int(self._client.blocksize)

    @property
    def real_time_priority(self) -> int:
        """Of its audio thread, SCHED_FIFO; 0 for an ordinary one."""
        return self._library.real_time_priority(self._address)

    def activate(self) -> None:
        """Let audio flow. Raises :class:`~neutone.errors.HostError` where the server refuses."""
        self._callback.open()
        try:
            self._client.activate()
        except self._library.jack.JackError as error:
            raise HostError(f"JACK does not activate the client {self.name!r}: {error}") from error

    def connect_to_hardware(self) -> None:
        """In ports from the physical capture ports, out ports to the physical playback ports, one by one; a single out
        port to the first two playback ports."""
        captures = self._client.get_ports(is_audio=True, is_physical=True, is_output=True)
        playbacks = self._client.get_ports(is_audio=True, is_physical=True, is_input=True)
        outputs = self._outputs * 2 if len(self._outputs) == 1 else self._outputs
        pairs = [*zip(captures, self._inputs, strict=False), *zip(outputs, playbacks, strict=False)]
        for source, target in pairs:
            try:
                self._client.connect(source, target)
            except self._library.jack.JackError as error:
                raise HostError(f"JACK does not connect {source.name} to {target.name}: {error}") from error

    def recompute_latencies(self) -> None:
        """Have the server ask for latencies again, after the callback's has changed."""
        self._library.recompute_latencies(self._address)

    def close(self) -> None:
        """Leave the server, dead or alive; returns within seconds. Not to be called from libjack's own threads.

        Closing is right after the server has died, too: libjack counts its clients, and opens no other server in this
        process before the last one is closed. But it asks the server, and a server that hangs does not answer, so
        this happens in a thread that is left behind if it does not come back.
        """
        self._callback.close()
        self._wait_until_idle()
        closing = threading.Thread(target=self._client.close, name="neutone-jack-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            _left_behind.append(self)
            # Else the object would close once more when it is collected, and hang whoever let go of it.
            self._client._ptr = self._library.jack._ffi.NULL

    def _wait_until_idle(self) -> None:
        pause = threading.Event()
        for _ in range(int(IDLE_SECONDS / 0.001)):
            if self._callback.idle:
                return
            pause.wait(0.001)
