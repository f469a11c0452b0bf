"""The device of a run: a client of a JACK server."""

from __future__ import annotations

from neutone import Engine
from neutone.errors import HostError
from neutone.plugins import Device
from neutone_jack._callback import Callback
from neutone_jack.client import Client


class JackDevice(Device):
    """A client that follows the server to another period or sample rate, and tells it the engine's latency."""

    def __init__(self, engine: Engine, gate: Callback, *, name: str, server: str | None, connect: bool) -> None:
        self.gate: Callback = gate
        self.thread_name = f"neutone-jack-{name}"
        self.client_name = name
        """The name that JACK gave to the client. Before that, it is the name that was asked for."""
        self._engine = engine
        self._wanted = name, server
        self._connect = connect
        self._client: Client | None = None
        self._reported = 0

    def open(self) -> None:
        self._client = client = Client(*self._wanted, self._engine.channels, self.gate)
        self.client_name = client.name
        self._follow(client.sample_rate, client.period)
        self._reported = self._engine.latency.total
        self.gate.set_latency(self._reported)

    def start(self) -> None:
        assert self._client is not None
        self._client.activate()
        if self._connect:
            self._client.connect_to_hardware()

    def watch(self) -> HostError | None:
        """Act on what JACK has notified the callback of. JACK's own threads only note it, because acting takes time."""
        _, _, period, sample_rate, _, gone, reason = self.gate.notes
        if gone:
            return HostError(f"the JACK server went away: {reason or 'it gave no reason'}")
        try:
            self._follow(sample_rate or self._engine.sample_rate, period or self._engine.block_size)
        except Exception as error:  # such as one from preparing a model: the user must hear of it
            return HostError(
                f"the engine cannot follow the JACK server to {sample_rate} Hz and {period} frames: {error}"
            )
        self._report_latency()
        return None

    def close(self, *, lost: bool) -> None:
        if self._client is not None:
            self._client.close()

    @property
    def counts(self) -> tuple[int, int]:
        blocks, xruns, *_ = self.gate.notes
        return blocks, xruns

    @property
    def audio_priority(self) -> int | None:
        return None if self._client is None else self._client.real_time_priority

    @property
    def freewheeling(self) -> bool:
        return self.gate.notes[4]

    def _follow(self, sample_rate: int, period: int) -> None:
        if (sample_rate, period) != (self._engine.sample_rate, self._engine.block_size):
            self._engine.configure(sample_rate=sample_rate, block_size=period)

    def _report_latency(self) -> None:
        latency = self._engine.latency.total
        if latency == self._reported:
            return
        assert self._client is not None
        self.gate.set_latency(latency)
        try:
            self._client.recompute_latencies()
        except HostError:  # the server does not answer: it is asked again later, or shuts down, or the host is stopped
            return
        self._reported = latency
