"""An engine as a JACK client."""

from __future__ import annotations

import atexit
import functools
import threading
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from neutone import Engine, Latency
from neutone.errors import ConfigurationError, HostError
from neutone.plugins import HostStats, LiveHost, Model
from neutone_jack._callback import Callback
from neutone_jack.client import Client
from neutone_jack.controllers import Controllers
from neutone_jack.server import ServerSettings

__all__ = ["JackHost"]

POLL_SECONDS = 0.02
JOIN_SECONDS = 10.0

_running: weakref.WeakSet[JackHost] = weakref.WeakSet()


@functools.cache
def _stop_at_exit() -> None:
    """Have JACK's thread out of memory that the interpreter is about to free; called at the first start, so that it
    happens before engines close."""

    def stop_all() -> None:
        for host in list(_running):
            host.stop()

    atexit.register(stop_all)


class JackHost(LiveHost):
    """Ports ``in_1..``, ``out_1..`` and ``midi_in`` on a JACK server; the audio callback is C and never waits.

    JACK is told the engine's latency, so other clients can compensate for it. A change of the server's period or rate
    is followed within moments, in silence; while the server freewheels every block waits for the model, so a render has
    no gaps; when the server goes away the host stops and :attr:`error` says why.

    Args:
        engine: made with ``background=True``. Where its rate or block size is not the server's, :meth:`start` changes
            them; :meth:`open` makes one that fits.
        name: of the client; JACK may append to it, see :attr:`client_name`.
        connect: in ports from the system's physical capture ports, out ports to the playback ports (a single out port
            to the first two). Otherwise connections are made by other programs.
        cc: parameter names by MIDI controller number (0..119, on any channel): value 0 is the parameter's low end, 127
            its high end.
        server: name of the JACK server, by default the environment's JACK_DEFAULT_SERVER, or "default".

    Raises:
        neutone.errors.ConfigurationError: a name or number that cannot be.
        neutone.errors.UnknownParameterError: ``cc`` names a parameter that the model does not declare.
    """

    name: ClassVar[str] = "jack"

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "neutone",
        connect: bool = False,
        cc: Mapping[int, str] | None = None,
        server: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name or ":" in name:
            raise ConfigurationError(f"name of the JACK client is {name!r}, expected some text without a colon")
        self._engine = engine
        self._owns_engine = False
        self._wanted_name = self._client_name = name
        self._connect = connect
        self._server = server
        self._callback = Callback(engine.callback, engine.channels)
        self._controllers = Controllers(self._callback, list(engine.parameters), cc or {})
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._late_before = 0
        self._error: HostError | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()

    @classmethod
    def open(
        cls,
        model: Model,
        *,
        channels: int | None = None,
        slack: int = 1,
        late: str = "silence",
        name: str = "neutone",
        connect: bool = False,
        cc: Mapping[int, str] | None = None,
        server: str | None = None,
        **engine_options: Any,
    ) -> Self:
        """A host, ready to start, with an engine of its own at the server's rate and period; :meth:`close` closes both.

        Args:
            model: what :func:`neutone.load` answers.
            channels: ports each way; by default as many as the model has on its wider side.
            slack: host blocks of latency that inference may take longer than its own block.
            late: what is heard of a block that is late nevertheless, see :class:`neutone.Engine`.
            engine_options: more of :class:`neutone.Engine`'s, e.g. ``resampler``.

        Raises:
            neutone.errors.HostError: no server is running.
            neutone.errors.MissingExtraError: JACK-Client or libjack is not installed.
        """
        settings = ServerSettings.read(server)
        engine = Engine(
            model,
            settings.sample_rate,
            settings.period,
            max(model.input_channels, model.output_channels) if channels is None else channels,
            background=True,
            slack=slack,
            late=late,
            **engine_options,
        )
        try:
            host = cls(engine, name=name, connect=connect, cc=cc, server=server)
        except BaseException:
            engine.close()
            raise
        host._owns_engine = True
        return host

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the client and let audio flow. A host whose server went away may be started again.

        Raises:
            neutone.errors.HostError: no server is running, or it refuses the client.
            neutone.errors.MissingExtraError: JACK-Client or libjack is not installed.
        """
        with self._lock:
            if self._client is not None:
                raise RuntimeError("the JACK host is running already")
            self._error = None
            client = Client(self._wanted_name, self._server, self._engine.channels, self._callback)
            try:
                self._follow(client.sample_rate, client.period)
                if self._engine.live_stats.blocks:
                    self._engine.reset()
                self._late_before = self._engine.live_stats.late_frames
                self._callback.set_latency(self._engine.latency.total)
                self._engine.audio_priority = client.real_time_priority
                client.activate()
                if self._connect:
                    client.connect_to_hardware()
            except BaseException:
                client.close()
                raise
            _stop_at_exit()
            _running.add(self)
            self._client, self._client_name = client, client.name
            self._stopping.clear()
            self._ended.clear()
            self._keeper = threading.Thread(
                target=self._keep, args=(client,), name=f"neutone-jack-{client.name}", daemon=True
            )
            self._keeper.start()

    def stop(self) -> None:
        """Leave the server; returns within seconds whatever state the server is in."""
        self._stopping.set()
        keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(JOIN_SECONDS)
        self._leave()

    def close(self) -> None:
        """Stop, and close the engine if :meth:`open` made it. The host is not used afterwards."""
        self.stop()
        if self._owns_engine:
            self._engine.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Until the host no longer runs: stopped, or its server went away. False after `timeout` seconds."""
        return self._ended.wait(timeout)

    def _leave(self) -> None:
        with self._lock:
            client, self._client, self._keeper = self._client, None, None
            if client is None:
                return
            freewheeling = self._callback.notes[4]
            if freewheeling:
                self._engine.blocking = False
            client.close()
            _running.discard(self)
            self._ended.set()

    # -- housekeeping --------------------------------------------------------------------------------------------------

    def _keep(self, client: Client) -> None:
        """Until the end: what JACK's notifications noted is acted on here, where it may take its time."""
        reported = self._engine.latency.total
        while not self._stopping.wait(POLL_SECONDS):
            _, _, period, sample_rate, _, gone, reason = self._callback.notes
            if gone:
                self._error = HostError(f"the JACK server went away: {reason or 'it gave no reason'}")
                self._leave()
                return
            try:
                self._follow(sample_rate or self._engine.sample_rate, period or self._engine.block_size)
            except Exception as error:  # whatever a model's preparation raises: the user must hear of it
                self._error = HostError(
                    f"the engine cannot follow the JACK server to {sample_rate} Hz and {period} frames: {error}"
                )
                self._leave()
                return
            if self._engine.latency.total != reported and not self._stopping.is_set():
                reported = self._engine.latency.total
                self._callback.set_latency(reported)
                client.recompute_latencies()

    def _follow(self, sample_rate: int, period: int) -> None:
        if (sample_rate, period) != (self._engine.sample_rate, self._engine.block_size):
            self._engine.configure(sample_rate=sample_rate, block_size=period)

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The engine that does the work."""
        return self._engine

    @property
    def client_name(self) -> str:
        """The name that JACK gave to the client, e.g. "neutone-01" beside another one; before a start the one asked
        for."""
        return self._client_name

    @property
    def running(self) -> bool:
        """Whether it has been started and neither stopped nor lost its server."""
        return not self._ended.is_set()

    @property
    def error(self) -> HostError | None:
        """Why the host ended by itself; None: it did not."""
        return self._error

    @property
    def stats(self) -> HostStats:
        blocks, xruns, *_ = self._callback.notes
        live = self._engine.live_stats
        return HostStats(blocks=blocks, xruns=xruns, load=live.load, late_frames=live.late_frames - self._late_before)

    @property
    def latency(self) -> Latency:
        return self._engine.latency

    # -- MIDI ----------------------------------------------------------------------------------------------------------

    @property
    def cc_map(self) -> dict[int, str]:
        """Parameter names by MIDI controller number, learnt ones too; a copy."""
        return self._controllers.as_dict()

    def map_cc(self, number: int, parameter: str | None) -> None:
        """From now on controller `number` (0..119) sets `parameter`; None: nothing."""
        self._controllers.assign(number, parameter)

    def learn(self, parameter: str | None) -> None:
        """The next controller that arrives is mapped to `parameter`, and sets it at once; None: stop waiting."""
        self._controllers.learn(parameter)

    @property
    def learning(self) -> str | None:
        """The parameter that waits for a controller; None once one has arrived."""
        return self._controllers.learning
