"""What a server runs at."""

from __future__ import annotations

from dataclasses import dataclass

from neutone_jack.client import open_client
from neutone_jack.library import load_library

__all__ = ["ServerSettings"]


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
        there is none."""
        client = open_client(load_library(), "neutone-settings", server)
        try:
            return cls(int(client.samplerate), int(client.blocksize))
        finally:
            client.close()
