"""The sample rate and the period of a JACK server."""

from __future__ import annotations

from dataclasses import dataclass

from neutone_jack.connection import Connection


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of a running JACK server."""

    sample_rate: int
    """The sample rate in Hz."""
    period: int
    """The number of frames in a cycle."""

    @classmethod
    def read(cls, server: str | None = None) -> ServerSettings:
        """Read the settings of the server of this name, or of the default one. Raises
        :class:`~neutone.errors.HostError` if there is none, or if it does not answer."""
        connection = Connection("neutone-settings", server)
        try:
            return connection.ask(lambda client: cls(int(client.samplerate), int(client.blocksize)))
        finally:
            connection.close()
