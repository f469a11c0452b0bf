"""The parts that live hosts share: a device, a run from the start to the stop of a host, and the host itself."""

from __future__ import annotations

import atexit
import threading
import time as clock
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from neutone.errors import HostError
from neutone.plugins.host import HostStats, LiveHost

if TYPE_CHECKING:
    from neutone.engine.engine import Engine
    from neutone.engine.latency import Latency
    from neutone.engine.live import Live
    from neutone.model.contract import Model

POLL_SECONDS = 0.02
IDLE_SECONDS = 1.0
JOIN_SECONDS = 5.0

Result = TypeVar("Result")

_lock = threading.Lock()
_running: set[LiveRun[Any]] = set()


def _live_of(engine: Engine) -> Live:
    """Return ``engine.live``. Raises :class:`~neutone.errors.ConfigurationError` if the engine was not made with
    ``background=True``."""
    from neutone.engine.live import Live  # here, so that listing plug-ins does not import the engine

    return Live.of(engine)


def _end_all() -> None:
    with _lock:
        runs = list(_running)
    for run in runs:
        run.end()


class Gate(Protocol):
    """A switch in a host's C callback (see ``nt_gate.h``). While it is open, the callback passes audio to the engine;
    while it is closed, the callback outputs silence."""

    def open(self) -> None:
        """Let audio reach the engine."""

    def close(self) -> None:
        """Output silence from the next block on. The audio thread may still be in the engine: see :attr:`idle`."""

    @property
    def idle(self) -> bool:
        """Whether the audio thread is not in the engine. Once the gate is closed and idle, it stays so."""


class Device(ABC):
    """A client of an audio server, or a stream of a sound card, for one run of a host.

    A device does not have to deal with threads: a :class:`LiveRun` calls its methods one at a time. Only
    :attr:`counts` may be read at any time.

    Attributes:
        gate: The gate in the callback that the library calls.
        thread_name: The name of the thread that calls :meth:`watch`.
    """

    gate: Gate
    thread_name: str

    @abstractmethod
    def open(self) -> None:
        """Open the client or stream, without starting the audio. The method may reconfigure the engine to the server's
        sample rate and block size.

        Raises:
            neutone.errors.HostError: The server or device does not exist, refuses, or does not answer.
        """

    @abstractmethod
    def start(self) -> None:
        """Start the audio. Raises the same errors as :meth:`open`."""

    @abstractmethod
    def watch(self) -> HostError | None:
        """Handle what the server or device has reported since the last call. This is called about 50 times a second.

        Returns None if the server or device is still there. Otherwise returns the reason why it went away, and the run
        ends. An exception ends the run, too."""

    @abstractmethod
    def close(self, *, lost: bool) -> None:
        """Close the client or stream. This must take only seconds even if the server or device hangs, and must work
        even if :meth:`open` or :meth:`start` failed halfway.

        The gate has been closed before, and the audio thread has left the engine. ``lost`` is True if :meth:`watch`
        reported that the server or device went away."""

    @property
    @abstractmethod
    def counts(self) -> tuple[int, int]:
        """The numbers of blocks and xruns so far. Any thread may read them, also after :meth:`close`."""

    @property
    def audio_priority(self) -> int | None:
        """The SCHED_FIFO priority of the thread that calls the gate:
        0 for an ordinary thread, None if it is not known."""
        return None

    @property
    def freewheeling(self) -> bool:
        """Whether the server currently does not run in real time, so that each block waits for the model. JACK calls
        this freewheeling. Devices that do not have it need not override this property."""
        return False


AnyDevice = TypeVar("AnyDevice", bound=Device)


class LiveRun(Generic[AnyDevice]):
    """One run of an engine on a device, from a host's start to its stop.

    The constructor claims the engine, opens the gate and the device, and starts the audio. A thread then watches the
    device. When the run ends, it closes the gate, waits until the audio thread has left the engine, closes the device
    and releases the engine.

    A host makes a new run at every start. So an earlier run cannot affect a later one, even if its server hung.

    The constructor raises what the device's ``open`` and ``start`` raise. In that case nothing is left running.

    Attributes:
        device: The device of this run.
        error: The reason why the run ended by itself, or None if it did not.
        ended: An event that is set when the run has ended.
        late_before: The late frames of the engine before this run.
    """

    def __init__(self, engine: Engine, device: AnyDevice) -> None:
        self.device = device
        self.error: HostError | None = None
        self.ended = threading.Event()
        self._stopping = threading.Event()
        self._ending = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name=device.thread_name, daemon=True)
        self._live = live = _live_of(engine)
        live.claim()
        try:
            device.open()
            live.audio_priority = device.audio_priority
            if live.stats.blocks:  # the engine was used before: start from silence, with the counters at 0
                engine.reset()
            self.late_before = live.stats.late_frames
            device.gate.open()
            device.start()
            # At exit, runs must end before the audio library shuts down and before engines are closed, because the
            # audio thread uses memory that the interpreter then frees. Functions registered last are called first.
            atexit.unregister(_end_all)
            atexit.register(_end_all)
            self._watcher.start()
        except BaseException:
            self._stopping.set()
            self._close()
            live.release()
            raise
        with _lock:
            if not self.ended.is_set():
                _running.add(self)

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                error = self.device.watch()
            except HostError as failure:
                error = failure
            except Exception as failure:  # such as one from preparing a model: the user must hear of it
                error = HostError(f"{type(failure).__name__}: {failure}")
                error.__cause__ = failure
            if error is None:
                continue
            with self._ending:
                if self._stopping.is_set():  # stopping also ends the stream
                    return
                self.error = error
            self._leave()
            return

    def end(self) -> None:
        """End the run. Returns within seconds.

        Afterwards, no thread uses the device. The watching thread has ended as well, unless it is still preparing a
        model; then it ends once that is done."""
        with self._ending:
            self._stopping.set()
        self._leave()
        if self._watcher is not threading.current_thread():
            self._watcher.join(JOIN_SECONDS)

    def _leave(self) -> None:
        with self._ending:
            if self.ended.is_set():
                return
            try:
                self._close()
            finally:
                self._live.release()
                self.ended.set()
                with _lock:
                    _running.discard(self)

    def _close(self) -> None:
        self.device.gate.close()
        if self.device.freewheeling:
            self._live.blocking = False
        deadline = clock.monotonic() + IDLE_SECONDS
        while not self.device.gate.idle and clock.monotonic() < deadline:
            clock.sleep(0.001)
        self.device.close(lost=self.error is not None)

    def ask(self, question: Callable[[AnyDevice], Result], otherwise: Result) -> Result:
        """Return ``question(device)`` while the run lasts, and `otherwise` after its end.
        The device is not closed before ``question`` has returned."""
        with self._ending:
            return otherwise if self.ended.is_set() else question(self.device)


class RunHost(LiveHost, Generic[AnyDevice]):
    """The base class of live hosts that make a new :class:`Device` and a :class:`LiveRun` at every start."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = _live_of(engine)
        self._owns_engine = False
        self._closed = False
        self._lock = threading.Lock()
        self._run: LiveRun[AnyDevice] | None = None

    @classmethod
    def _open_engine(
        cls, model: Model, sample_rate: int, block_size: int, channels: int | None, **engine_options: Any
    ) -> Engine:
        """Make an engine that runs in the background. By default it has as many channels as the model has inputs or
        outputs, whichever are more."""
        from neutone.engine.engine import Engine

        wider = max(model.input_channels, model.output_channels)
        return Engine(
            model, sample_rate, block_size, wider if channels is None else channels, background=True, **engine_options
        )

    @classmethod
    def _around(cls, engine: Engine, **host_options: Any) -> Self:
        """Make a host that closes the engine when it is closed. If it cannot be made, close the engine at once."""
        try:
            host = cls(engine, **host_options)
        except BaseException:
            engine.close()
            raise
        host._owns_engine = True
        return host

    @abstractmethod
    def _make_device(self) -> AnyDevice:
        """Make the device for a new run."""

    def start(self) -> None:
        """Start the audio. A host that was stopped, or has lost its server or device, can be started again.

        Raises:
            neutone.errors.HostError: The server or device does not exist, refuses, or does not answer; or another host
                plays the engine.
            neutone.errors.MissingExtraError: The host's library is not installed.
            RuntimeError: The host is already running, or closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the {self.name} host is closed")
            if self.running:
                raise RuntimeError(f"the {self.name} host is running already")
            self._run = None
            self._run = LiveRun(self._engine, self._make_device())

    def stop(self) -> None:
        """Stop the audio. Returns within seconds, even if the server or device hangs. If another thread is in
        :meth:`start`, the run that it starts is stopped, too."""
        with self._lock:
            run = self._run
        if run is not None:
            run.end()

    def close(self) -> None:
        """Stop the host, and close its engine if :meth:`open` made it. The host cannot be used afterwards."""
        self._closed = True
        self.stop()
        if self._owns_engine:
            self._engine.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the host no longer runs, because it was stopped or has lost its server or device.
        Returns True then, and False if it still runs after `timeout` seconds."""
        run = self._run
        return run is None or run.ended.wait(timeout)

    @property
    def engine(self) -> Engine:
        """The engine that the host plays."""
        return self._engine

    @property
    def running(self) -> bool:
        """Whether the host runs: it was started, has not been stopped, and has not lost its server or device."""
        run = self._run
        return run is not None and not run.ended.is_set()

    @property
    def error(self) -> HostError | None:
        """The reason why the host ended by itself, or None if it did not."""
        run = self._run
        return None if run is None else run.error

    @property
    def stats(self) -> HostStats:
        run = self._run
        blocks, xruns = (0, 0) if run is None else run.device.counts
        live = self._live.stats
        late = live.late_frames - (0 if run is None else run.late_before)
        return HostStats(blocks=blocks, xruns=xruns, load=live.load, late_frames=late)

    @property
    def latency(self) -> Latency:
        return self._engine.latency
