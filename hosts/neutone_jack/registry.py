"""Which JACK server this process's clients use: libjack supports one at a time, and crashes with a second one."""

from __future__ import annotations

import os
import threading

from neutone.errors import ConfigurationError, HostError

SERVER_NAME_BYTES = 255

_lock = threading.Lock()
_server: str | None = None
_clients = 0


def check_server_name(server: object, what: str = "name of the JACK server") -> None:
    """Check the name of a server. libjack copies it to a buffer of fixed size without checking its length."""
    if isinstance(server, str) and server and "\0" not in server:
        if len(server.encode(errors="replace")) <= SERVER_NAME_BYTES:
            return
        given = f"{server[:20]!r}.. of {len(server)} characters"
    else:
        given = repr(server)
    raise ConfigurationError(
        f"{what} is {given}, expected some text of {SERVER_NAME_BYTES} bytes at most without NUL characters"
    )


def claim_server(server: str | None) -> str:
    """Count one more client on this server, by default the one that the environment names. Returns the server's name.
    Raises :class:`~neutone.errors.HostError` if there are clients on another one."""
    global _server, _clients
    if server is None:
        name = os.environ.get("JACK_DEFAULT_SERVER") or "default"
        check_server_name(name, "JACK_DEFAULT_SERVER")
    else:
        check_server_name(server)
        name = server
    with _lock:
        if _clients and name != _server:
            raise HostError(
                f"this process has clients on the JACK server {_server!r}, and libjack can have one server in a "
                f"process: stop their hosts before one on {name!r} is opened, or use another process"
            )
        _server = name
        _clients += 1
    return name


def release_server() -> None:
    """Count one client less, after it was closed."""
    global _clients
    with _lock:
        _clients -= 1
