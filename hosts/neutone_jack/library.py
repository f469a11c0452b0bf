"""libjack, imported where it is first needed, and what of it JACK-Client does not declare."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from neutone.errors import ConfigurationError, MissingExtraError
from neutone_jack import _callback

CALLBACK_SETTERS = {
    "jack_set_process_callback": _callback.PROCESS,
    "jack_set_buffer_size_callback": _callback.ON_PERIOD,
    "jack_set_sample_rate_callback": _callback.ON_SAMPLE_RATE,
    "jack_set_xrun_callback": _callback.ON_XRUN,
    "jack_set_freewheel_callback": _callback.ON_FREEWHEEL,
    "jack_set_latency_callback": _callback.ON_LATENCY,
    "jack_on_info_shutdown": _callback.ON_SHUTDOWN,
}
USED_BY_C = (
    "port_get_buffer",
    "midi_get_event_count",
    "midi_event_get",
    "port_get_latency_range",
    "port_set_latency_range",
)

JACK2_LONGEST_NAME = 63
"""bytes: JACK_CLIENT_NAME_SIZE of jack2, less the terminating zero"""


class Library:
    """The module ``jack`` of JACK-Client, and the same libjack once more for calls by address. Clients and ports are
    addresses here."""

    def __init__(self, module: Any) -> None:
        self.jack = module
        self._library = ctypes.CDLL(module._libname)
        self.functions = {name: self._address(f"jack_{name}") for name in USED_BY_C}
        # libjack speaks to stderr in between; what matters of it is in the messages of our errors instead. It keeps one
        # function for the process and does not tell which it had, so there is none to put back.
        for setter in ("jack_set_error_function", "jack_set_info_function"):
            self._call(setter, None, _callback.ON_MESSAGE)

    def _address(self, name: str) -> int:
        return ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0

    def _call(self, name: str, result: Any, *addresses: int) -> Any:
        function = ctypes.CFUNCTYPE(result, *[ctypes.c_void_p] * len(addresses))(self._address(name))
        return function(*addresses)

    @property
    def longest_client_name(self) -> int:
        """The longest client name that a server takes, in bytes. jack_client_name_size() of jack2 counts two bytes
        more (JackConstants.h adds one to a size that has room for the terminating zero already)."""
        return min(int(self._call("jack_client_name_size", ctypes.c_int)) - 1, JACK2_LONGEST_NAME)

    def check_client_name(self, name: str) -> None:
        """Raises :class:`~neutone.errors.ConfigurationError` where it is too long."""
        length = len(name.encode(errors="replace"))
        if length > self.longest_client_name:
            raise ConfigurationError(
                f"name of the JACK client is {name[:20]!r}.. of {length} bytes, expected {self.longest_client_name} at "
                f"most"
            )

    def address_of(self, owner: Any) -> int:
        """Of JACK-Client's client or port."""
        return int(self.jack._ffi.cast("uintptr_t", owner._ptr))

    def set_callbacks(self, client: int, callback: _callback.Callback) -> None:
        """All of them, for a client that is not active yet."""
        for setter, function in CALLBACK_SETTERS.items():
            self._call(setter, ctypes.c_int, client, function, callback.address)

    def real_time_priority(self, client: int) -> int:
        """Of the thread that runs the process callback; 0 where the server has none in real time."""
        if not self._call("jack_is_realtime", ctypes.c_int, client):
            return 0
        return max(0, int(self._call("jack_client_real_time_priority", ctypes.c_int, client)))

    def recompute_latencies(self, client: int) -> None:
        """Have the server ask every client for its latencies again."""
        self._call("jack_recompute_total_latencies", ctypes.c_int, client)


@functools.cache
def load_library() -> Library:
    """libjack. Raises :class:`~neutone.errors.MissingExtraError` where JACK-Client or libjack is not installed."""
    try:
        import jack
    except ImportError as error:
        raise MissingExtraError(
            'the JACK host needs JACK-Client, which is not installed: pip install "neutone[jack]"'
        ) from error
    except OSError as error:
        raise MissingExtraError(
            "the JACK host needs the library libjack, which is not installed: on Debian and Ubuntu it is the package "
            "libjack-jackd2-0 (or pipewire-jack), on macOS and Windows it comes with JACK from jackaudio.org"
        ) from error
    return Library(jack)
