"""A JACK-Client client whose calls all return within seconds, whatever state the server is in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from neutone.errors import HostError
from neutone_jack._callback import take_messages
from neutone_jack.library import load_library
from neutone_jack.registry import claim_server, release_server

ANSWER_SECONDS = 5.0

T = TypeVar("T")


class Connection:
    """A connection to a JACK server that cannot hang.

    Most calls of libjack ask the server, and a server that hangs does not answer. So each call is made in a thread that
    is left behind if it does not return. Calls are made one at a time, because libjack does not expect a client to be
    closed during another call. A thread that was left behind ends if the server answers after all; then the client is
    closed.

    Args:
        name: The name of the client; JACK may append to it.
        server: The name of the server; by default the one that the environment names. A server is never started.
        keeps: The objects that libjack may call until the client is closed.

    Raises:
        neutone.errors.ConfigurationError: The name is not valid.
        neutone.errors.HostError: There is no server, it does not answer, or this process already uses another one.
    """

    def __init__(self, name: str, server: str | None, keeps: object = None) -> None:
        self._library = load_library()
        self._library.check_client_name(name)
        self._keeps = keeps
        self._client: Any = None
        self._closed = False
        self._silent = False
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._closing: threading.Thread | None = None
        self.server = claim_server(server)
        try:
            self._ask(lambda: self._open(name, server))
        except BaseException:
            self.close()
            raise

    def _open(self, name: str, server: str | None) -> None:
        take_messages()
        jack = self._library.jack
        try:
            self._client = jack.Client(name, no_start_server=True, servername=server)
        except jack.JackOpenError as error:
            said = take_messages().strip().partition("\n")[0]
            which = "no JACK server is running" if server is None else f"no JACK server named {server!r} is running"
            if error.status.server_failed:
                message = f"{which}: start one, e.g. jackd -d alsa, or PipeWire's pw-jack; see docs/live.md"
            else:
                message = f"JACK refuses the client {name!r}: {error.status}"
            raise HostError(f"{message} (libjack: {said})" if said else message) from error

    def ask(self, call: Callable[[Any], T]) -> T:
        """Return what `call` returns, given JACK-Client's client.
        Raises :class:`~neutone.errors.HostError` if the server does not answer, or if the client is closed."""
        return self._ask(lambda: call(self._client))

    def _ask(self, call: Callable[[], T]) -> T:
        if self._silent:
            raise self._no_answer()
        answer: Future[T] = Future()

        def make_call() -> None:
            with self._turn:
                try:
                    if self._closed:
                        raise HostError("the JACK client is closed")
                    answer.set_result(call())
                except BaseException as error:
                    answer.set_exception(error)
                self._silent = False

        threading.Thread(target=make_call, name="neutone-jack-call", daemon=True).start()
        try:
            return answer.result(ANSWER_SECONDS)
        except TimeoutError:
            self._silent = not answer.done()
            raise self._no_answer() from None

    def _no_answer(self) -> HostError:
        return HostError(f"the JACK server {self.server!r} does not answer")

    def close(self) -> None:
        """Leave the server, whether it still runs or not. It may be called from any thread but libjack's own, and
        again.

        The client must be closed even after the server has died: libjack counts its clients, and opens no other server
        in this process before the last one is closed.
        """
        with self._guard:
            if self._closing is None:
                self._closing = threading.Thread(target=self._close, name="neutone-jack-close", daemon=True)
                self._closing.start()
        self._closing.join(0.0 if self._silent else ANSWER_SECONDS)

    def _close(self) -> None:
        with self._turn:
            self._closed = True
            client, self._client = self._client, None
            try:
                if client is not None:
                    client.close()
            finally:
                release_server()
