"""An engine on a JACK server, from a start to its stop."""

from __future__ import annotations

from neutone import Engine
from neutone.errors import HostError
from neutone.plugins import LiveRun
from neutone_jack._callback import Callback
from neutone_jack.client import Client

__all__ = ["JackRun"]

POLL_SECONDS = 0.02


class JackRun(LiveRun):
    """A client of the server, which follows what the server says."""

    def __init__(self, engine: Engine, callback: Callback, *, name: str, server: str | None, connect: bool) -> None:
        self._callback = callback
        self._wanted = name, server
        self._connect = connect
        self._client: Client | None = None
        super().__init__(engine, f"neutone-jack-{name}")

    def _open(self) -> None:
        engine, callback = self._engine, self._callback
        self._client = client = Client(*self._wanted, engine.channels, callback)
        self.client_name = client.name
        self._follow(client.sample_rate, client.period)
        self._begin()
        self._reported = engine.latency.total
        callback.set_latency(self._reported)
        engine.audio_priority = client.real_time_priority
        client.activate()
        if self._connect:
            client.connect_to_hardware()

    def _close(self) -> None:
        self._callback.close()
        if self._client is None:
            return
        if self._callback.notes[4]:  # freewheeling: the audio thread may be waiting for the model
            self._engine.blocking = False
        self._client.close()

    def _keep(self) -> None:
        """Until the end: what JACK's notifications noted is acted on here, where it may take its time."""
        while not self._stopping.wait(POLL_SECONDS):
            _, _, period, sample_rate, _, gone, reason = self._callback.notes
            if gone:
                self.error = HostError(f"the JACK server went away: {reason or 'it gave no reason'}")
                self._leave()
                return
            try:
                self._follow(sample_rate or self._engine.sample_rate, period or self._engine.block_size)
            except Exception as error:  # whatever a model's preparation raises: the user must hear of it
                if not self._stopping.is_set():
                    self.error = HostError(
                        f"the engine cannot follow the JACK server to {sample_rate} Hz and {period} frames: {error}"
                    )
                self._leave()
                return
            self._report_latency()

    def _follow(self, sample_rate: int, period: int) -> None:
        if (sample_rate, period) != (self._engine.sample_rate, self._engine.block_size):
            self._engine.configure(sample_rate=sample_rate, block_size=period)

    def _report_latency(self) -> None:
        latency = self._engine.latency.total
        if latency == self._reported or self._stopping.is_set():
            return
        assert self._client is not None
        self._callback.set_latency(latency)
        try:
            self._client.recompute_latencies()
        except HostError:  # the server does not answer: it is asked again, or shuts down, or the host is stopped
            return
        self._reported = latency
