"""What a server runs at."""

from __future__ import annotations

from dataclasses import dataclass

from neutone_jack.connection import Connection


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Of a running JACK server."""

    sample_rate: int
    """Hz"""
    period: int
    """frames a cycle"""

    @classmethod
    def read(cls, server: str | None = None) -> ServerSettings:
        """Of the server of this name, by default of the default one. Raises :class:`~neutone.errors.HostError` where
        there is none, or it does not answer."""
        connection = Connection("neutone-settings", server)
        try:
            return connection.ask(lambda client: cls(int(client.samplerate), int(client.blocksize)))
        finally:
            connection.close()
