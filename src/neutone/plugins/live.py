"""What live hosts have in common: a run from each start to its stop, and the host around it."""

from __future__ import annotations

import atexit
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from neutone.plugins.host import HostStats, LiveHost

if TYPE_CHECKING:
    from neutone.engine.engine import Engine
    from neutone.engine.latency import Latency
    from neutone.errors import HostError

__all__ = ["LiveRun", "RunHost"]

JOIN_SECONDS = 5.0

_lock = threading.Lock()
_running: set[LiveRun] = set()


def _end_all() -> None:
    with _lock:
        runs = list(_running)
    for run in runs:
        run.end()


class LiveRun(ABC):
    """A client or stream, the thread that keeps it, and what ends them. A host makes another one at every start, so
    that nothing of a run that is over, not even of one that a server left hanging, reaches the next.

    It claims the engine for as long as it runs; making one raises what :meth:`_open` does.
    """

    error: HostError | None = None
    """why it ended by itself"""
    late_before = 0
    """the engine's late frames when it began"""

    def __init__(self, engine: Engine, thread_name: str) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._ending = threading.Lock()
        self.ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=thread_name, daemon=True)
        engine.claim()
        try:
            self._open()
            # The last to be registered is called first: before the audio library's own end, and before engines close,
            # the audio thread must be out of memory that the interpreter is about to free.
            atexit.unregister(_end_all)
            atexit.register(_end_all)
            self._keeper.start()
        except BaseException:
            self._stopping.set()
            self._close()
            engine.release()
            raise
        with _lock:
            if not self.ended.is_set():
                _running.add(self)

    def _begin(self) -> None:
        """To be called by :meth:`_open` before audio flows: from silence, and counted from here."""
        if self._engine.live_stats.blocks:
            self._engine.reset()
        self.late_before = self._engine.live_stats.late_frames

    @abstractmethod
    def _open(self) -> None:
        """Let audio flow."""

    @abstractmethod
    def _close(self) -> None:
        """End it within seconds, whatever state the server or device is in, and however far :meth:`_open` came."""

    @abstractmethod
    def _keep(self) -> None:
        """In a thread of its own, until ``_stopping`` is set: act on what the server or device says."""

    def end(self) -> None:
        """Stop; returns within seconds. Once it has, the thread that keeps the run touches the client no more, and is
        gone unless a model is just being prepared."""
        self._stopping.set()
        self._leave()
        if self._keeper is not threading.current_thread():
            self._keeper.join(JOIN_SECONDS)

    def _leave(self) -> None:
        with self._ending:
            if self.ended.is_set():
                return
            try:
                self._close()
            finally:
                self._engine.release()
                self.ended.set()
                with _lock:
                    _running.discard(self)


Run = TypeVar("Run", bound=LiveRun)


class RunHost(LiveHost, Generic[Run]):
    """A live host that makes a :class:`LiveRun` at every start."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owns_engine = False
        self._lock = threading.Lock()
        self._run: Run | None = None

    @abstractmethod
    def _start_run(self) -> Run:
        """What :meth:`start` keeps."""

    @abstractmethod
    def _blocks_and_xruns(self) -> tuple[int, int]:
        """Of the run, or the last one."""

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
            self._run = self._start_run()

    def stop(self) -> None:
        """End; returns within seconds, whatever state the server or device is in. Where :meth:`start` is under way in
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
        """Until the host no longer runs: stopped, or its server or device went away. False after `timeout` seconds."""
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
        """Why the host ended by itself; None: it did not."""
        run = self._run
        return None if run is None else run.error

    @property
    def stats(self) -> HostStats:
        run = self._run
        blocks, xruns = self._blocks_and_xruns()
        live = self._engine.live_stats
        late = live.late_frames - (0 if run is None else run.late_before)
        return HostStats(blocks=blocks, xruns=xruns, load=live.load, late_frames=late)

    @property
    def latency(self) -> Latency:
        return self._engine.latency
