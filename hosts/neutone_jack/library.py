"""libjack, imported on first use, and those of its functions that JACK-Client does not declare."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from neutone.errors import ConfigurationError, MissingExtraError
from neutone.installing import install_command
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
"""The longest client name of jack2 in bytes: JACK_CLIENT_NAME_SIZE minus the terminating zero."""


class Library:
    """The module ``jack`` of JACK-Client, and the same libjack a second time, for calls by address.
    Clients and ports are addresses here."""

    def __init__(self, module: Any) -> None:
        self.jack = module
        self._library = ctypes.CDLL(module._libname)
        self.functions = {name: self._address(f"jack_{name}") for name in USED_BY_C}
        # libjack prints to stderr at any time. What matters of that is in our errors' messages. libjack keeps one
        # function per process and does not say which it had before, so there is nothing to restore.
        for setter in ("jack_set_error_function", "jack_set_info_function"):
            self._call(setter, None, _callback.ON_MESSAGE)

    def _address(self, name: str) -> int:
        return ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0

    def _call(self, name: str, result: Any, *addresses: int) -> Any:
        function = ctypes.CFUNCTYPE(result, *[ctypes.c_void_p] * len(addresses))(self._address(name))
        return function(*addresses)

    @property
    def longest_client_name(self) -> int:
        """The longest client name that a server accepts, in bytes. jack_client_name_size() of jack2 returns two bytes
        more (JackConstants.h adds one to a size that already includes the terminating zero)."""
        return min(int(self._call("jack_client_name_size", ctypes.c_int)) - 1, JACK2_LONGEST_NAME)

    def check_client_name(self, name: str) -> None:
        """Raise :class:`~neutone.errors.ConfigurationError` if a client name is too long."""
        length = len(name.encode(errors="replace"))
        if length > self.longest_client_name:
            raise ConfigurationError(
                f"name of the JACK client is {name[:20]!r}.. of {length} bytes, expected {self.longest_client_name} at "
                f"most"
            )

    def address_of(self, owner: Any) -> int:
        """Return the address of a client or port of JACK-Client."""
        return int(self.jack._ffi.cast("uintptr_t", owner._ptr))

    def set_callbacks(self, client: int, callback: _callback.Callback) -> None:
        """Set all callbacks of a client that is not active yet."""
        for setter, function in CALLBACK_SETTERS.items():
            self._call(setter, ctypes.c_int, client, function, callback.address)

    def real_time_priority(self, client: int) -> int:
        """Return the SCHED_FIFO priority of the thread that runs the process callback, or 0 if it is not real-time."""
        if not self._call("jack_is_realtime", ctypes.c_int, client):
            return 0
        return max(0, int(self._call("jack_client_real_time_priority", ctypes.c_int, client)))

    def recompute_latencies(self, client: int) -> None:
        """Make the server ask every client for its latencies again."""
        self._call("jack_recompute_total_latencies", ctypes.c_int, client)


@functools.cache
def load_library() -> Library:
    """Load libjack. Raises :class:`~neutone.errors.MissingExtraError` if JACK-Client or libjack is not installed."""
    try:
        import jack
    except ImportError as error:
        raise MissingExtraError(
            f"the JACK host needs JACK-Client, which is not installed: {install_command('neutone[jack]')}"
        ) from error
    except OSError as error:
        raise MissingExtraError(
            "the JACK host needs the library libjack, which is not installed: on Debian and Ubuntu it is the package "
            "libjack-jackd2-0 (or pipewire-jack), on macOS and Windows it comes with JACK from jackaudio.org"
        ) from error
    return Library(jack)
