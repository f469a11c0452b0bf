"""An engine on a JACK server, from a start to its stop."""

from __future__ import annotations

import atexit
import functools
import threading

from neutone import Engine
from neutone.errors import HostError
from neutone_jack._callback import Callback
from neutone_jack.client import Client

__all__ = ["Run", "start_run"]

POLL_SECONDS = 0.02
JOIN_SECONDS = 5.0

_lock = threading.Lock()
_running: set[Run] = set()


@functools.cache
def _end_at_exit() -> None:
    """Have JACK's thread out of memory that the interpreter is about to free; called at the first start, so that it
    happens before engines close."""

    def end_all() -> None:
        with _lock:
            runs = list(_running)
        for run in runs:
            run.end()

    atexit.register(end_all)


class Run:
    """A client, the thread that keeps it and what ends them. A host makes another one at every start, so that nothing
    of a run that is over, not even of one that a server left hanging, reaches the next."""

    error: HostError | None = None
    """why it ended by itself"""

    def __init__(self, engine: Engine, callback: Callback, *, name: str, server: str | None, connect: bool) -> None:
        self._engine = engine
        self._callback = callback
        self._stopping = threading.Event()
        self._ending = threading.Lock()
        self.ended = threading.Event()
        client = Client(name, server, engine.channels, callback)
        try:
            self._follow(client.sample_rate, client.period)
            if engine.live_stats.blocks:
                engine.reset()
            self.late_before = engine.live_stats.late_frames
            self._reported = engine.latency.total
            callback.set_latency(self._reported)
            engine.audio_priority = client.real_time_priority
            client.activate()
            if connect:
                client.connect_to_hardware()
            self._client, self.client_name = client, client.name
            self._keeper = threading.Thread(target=self._keep, name=f"neutone-jack-{client.name}", daemon=True)
            _end_at_exit()
            self._keeper.start()
        except BaseException:
            self._stopping.set()
            client.close()
            raise
        with _lock:
            if not self.ended.is_set():
                _running.add(self)

    def end(self) -> None:
        """Leave the server; returns within seconds. Once it has, the thread that keeps the client touches it no more,
        and is gone unless a model is just being prepared."""
        self._stopping.set()
        self._leave()
        if self._keeper is not threading.current_thread():
            self._keeper.join(JOIN_SECONDS)

    def _leave(self) -> None:
        with self._ending:
            if self.ended.is_set():
                return
            try:
                self._callback.close()
                if self._callback.notes[4]:  # freewheeling: the audio thread may be waiting for the model
                    self._engine.blocking = False
                self._client.close()
            finally:
                self._engine.release()
                self.ended.set()
                with _lock:
                    _running.discard(self)

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
        self._callback.set_latency(latency)
        try:
            self._client.recompute_latencies()
        except HostError:  # the server does not answer: it is asked again, or shuts down, or the host is stopped
            return
        self._reported = latency


def start_run(engine: Engine, callback: Callback, *, name: str, server: str | None, connect: bool) -> Run:
    """Claims the engine for as long as it runs."""
    engine.claim()
    try:
        return Run(engine, callback, name=name, server=server, connect=connect)
    except BaseException:
        engine.release()
        raise
