"""What live hosts have in common: a run from each start to its stop, and the host around it."""

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
    """Raises :class:`~neutone.errors.ConfigurationError` unless the engine was made with ``background=True``."""
    from neutone.engine.live import Live  # here, so that listing plug-ins does not import the engine

    return Live.of(engine)


def _end_all() -> None:
    with _lock:
        runs = list(_running)
    for run in runs:
        run.end()


class Gate(Protocol):
    """What the audio thread passes through: a host's callback in C, with ``nt_gate.h`` in it."""

    def open(self) -> None:
        """Let audio reach the engine."""

    def close(self) -> None:
        """Silence from the next block on."""

    @property
    def idle(self) -> bool:
        """Whether the audio thread is outside the engine."""


class Device(ABC):
    """A client of an audio server, or a stream of a sound card, for one run. It knows its library, and nothing of
    threads: a :class:`LiveRun` calls it, one method at a time but for :attr:`counts`."""

    gate: Gate
    """The callback that the library calls."""
    thread_name: str
    """The name of the thread that calls :meth:`watch`."""

    @abstractmethod
    def open(self) -> None:
        """Get everything ready; no audio flows yet. The engine may be reconfigured to what the server runs at.

        Raises:
            neutone.errors.HostError: the server or device is not there, refuses, or does not answer.
        """

    @abstractmethod
    def start(self) -> None:
        """Let audio flow. Raises as :meth:`open` does."""

    @abstractmethod
    def watch(self) -> HostError | None:
        """Act on what the server or device has said since the last call, about 50 times a second. Returns why it has
        gone away, or None while it is there. What it raises ends the run, too."""

    @abstractmethod
    def close(self, *, lost: bool) -> None:
        """End it within seconds, whatever state the server or device is in, and however far :meth:`open` and
        :meth:`start` came. The gate is closed, and the audio thread has been waited for. ``lost``: the run ended by
        itself, because of what :meth:`watch` said."""

    @property
    @abstractmethod
    def counts(self) -> tuple[int, int]:
        """The blocks so far, and the xruns. It may be read from any thread, and after the end."""

    @property
    def audio_priority(self) -> int | None:
        """The SCHED_FIFO priority of the thread that calls the gate, 0 for an ordinary one; None: not known."""
        return None

    @property
    def freewheeling(self) -> bool:
        """Whether the audio thread waits for the model, because the server is not in real time now."""
        return False


AnyDevice = TypeVar("AnyDevice", bound=Device)


class LiveRun(Generic[AnyDevice]):
    """An engine on a device from a start to its end: the claim on the engine, the gate, the thread that watches, and
    the waiting at the end. A host makes another one at every start, so that nothing of a run that is over, not even of
    one that a server left hanging, reaches the next.

    Making one raises what the device's ``open`` and ``start`` raise; nothing is left running then.
    """

    def __init__(self, engine: Engine, device: AnyDevice) -> None:
        self.device = device
        self.error: HostError | None = None
        """Why it ended by itself; None if it has not."""
        self.ended = threading.Event()
        self._stopping = threading.Event()
        self._ending = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name=device.thread_name, daemon=True)
        self._live = live = _live_of(engine)
        live.claim()
        try:
            device.open()
            live.audio_priority = device.audio_priority
            if live.stats.blocks:  # from silence, and counted from here
                engine.reset()
            self.late_before = live.stats.late_frames
            device.gate.open()
            device.start()
            # The last to be registered is called first: before the audio library's own end, and before engines close,
            # the audio thread must be out of memory that the interpreter is about to free.
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
            except Exception as failure:  # whatever a model's preparation raises: the user must hear of it
                error = HostError(f"{type(failure).__name__}: {failure}")
                error.__cause__ = failure
            if error is None:
                continue
            with self._ending:
                if self._stopping.is_set():  # being stopped ends a stream, too
                    return
                self.error = error
            self._leave()
            return

    def end(self) -> None:
        """Stop; returns within seconds. Once it has, the thread that watches touches the device no more, and is gone
        unless a model is just being prepared."""
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
        """What a question to the device returns while the run lasts, else `otherwise`. The device is not closed
        meanwhile."""
        with self._ending:
            return otherwise if self.ended.is_set() else question(self.device)


class RunHost(LiveHost, Generic[AnyDevice]):
    """A live host that makes a :class:`Device`, and a :class:`LiveRun` with it, at every start."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = _live_of(engine)
        self._owns_engine = False
        self._lock = threading.Lock()
        self._run: LiveRun[AnyDevice] | None = None

    @classmethod
    def _open_engine(
        cls, model: Model, sample_rate: int, block_size: int, channels: int | None, **engine_options: Any
    ) -> Engine:
        """An engine in the background. ``channels`` is by default the model's wider side."""
        from neutone.engine.engine import Engine

        wider = max(model.input_channels, model.output_channels)
        return Engine(
            model, sample_rate, block_size, wider if channels is None else channels, background=True, **engine_options
        )

    @classmethod
    def _around(cls, engine: Engine, **host_options: Any) -> Self:
        """A host that closes the engine when it is closed, and at once if it cannot be made."""
        try:
            host = cls(engine, **host_options)
        except BaseException:
            engine.close()
            raise
        host._owns_engine = True
        return host

    @abstractmethod
    def _make_device(self) -> AnyDevice:
        """A device for the run that begins."""

    def start(self) -> None:
        """Let audio flow. A host whose server or device went away may be started again.

        Raises:
            neutone.errors.HostError: the server or device is not there, refuses, or does not answer; another host plays
                the engine.
            neutone.errors.MissingExtraError: the host's library is not installed.
        """
        with self._lock:
            if self.running:
                raise RuntimeError(f"the {self.name} host is running already")
            self._run = None
            self._run = LiveRun(self._engine, self._make_device())

    def stop(self) -> None:
        """End; returns within seconds, whatever state the server or device is in. If :meth:`start` is under way in
        another thread, what it starts is stopped."""
        with self._lock:
            run = self._run
        if run is not None:
            run.end()

    def close(self) -> None:
        """Stop, and close the engine if :meth:`open` made it. The host is not used afterwards."""
        self.stop()
        if self._owns_engine:
            self._engine.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the host no longer runs: stopped, or its server or device went away. Returns False after
        `timeout` seconds."""
        run = self._run
        return run is None or run.ended.wait(timeout)

    @property
    def engine(self) -> Engine:
        """The engine that does the work."""
        return self._engine

    @property
    def running(self) -> bool:
        """Whether it has been started, and neither stopped nor lost its server or device."""
        run = self._run
        return run is not None and not run.ended.is_set()

    @property
    def error(self) -> HostError | None:
        """Why the host ended by itself; None if it has not."""
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
