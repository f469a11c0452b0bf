"""What an engine has where it runs in the background: for hosts, and for those who look on."""

from __future__ import annotations

from neutone._core import Stream
from neutone.engine.background import Background, BackgroundSettings
from neutone.engine.durations import Durations
from neutone.engine.settings import HostSettings
from neutone.engine.stats import LiveStats
from neutone.errors import ConfigurationError, InferenceError

__all__ = ["BackgroundView"]


class BackgroundView:
    """A part of :class:`neutone.Engine`. Where the engine runs in its caller's thread, nearly all of it raises
    :class:`~neutone.errors.ConfigurationError`."""

    _background: Background | None
    _background_settings: BackgroundSettings
    _settings: HostSettings
    _stream: Stream

    def _beside(self) -> Background:
        if self._background is None:
            raise ConfigurationError("the engine runs in its caller's thread, expected one with background=True")
        return self._background

    @property
    def callback(self) -> object:
        """For hosts in C: a PyCapsule named ``neutone.callback`` around the struct ``nt_callback`` of
        ``neutone/nt_callback.h``, valid as long as the capsule. Its functions allocate nothing, take no lock and make
        no system call but a semaphore post."""
        return self._beside().player.callback

    def claim(self) -> None:
        """For hosts, when they start: one at a time plays an engine, and until :meth:`release` its number of channels
        stays. Raises :class:`~neutone.errors.HostError` where another one plays it."""
        self._beside().claim()

    def release(self) -> None:
        """For hosts, when they have stopped."""
        self._beside().claimed = False

    @property
    def fixed_channels(self) -> bool:
        """Whether a host plays the engine, so that its number of channels stays."""
        return self._background is not None and self._background.claimed

    @property
    def error(self) -> InferenceError | None:
        """In the background: the last failure of the model since the last reset, whose block became silence."""
        return self._stream.failure

    @property
    def blocking(self) -> bool:
        """In the background: whether :meth:`process` waits for the model, for hosts that are not in real time."""
        return self._beside().player.blocking

    @blocking.setter
    def blocking(self, wanted: bool) -> None:
        self._beside().player.blocking = wanted

    @property
    def audio_priority(self) -> int | None:
        """In the background: the SCHED_FIFO priority of the thread that processes, 0 for an ordinary one; None: not
        known. The workers of all engines have priority 4, or less where that is not below all of these. Hosts set
        it."""
        return self._beside().audio_priority

    @audio_priority.setter
    def audio_priority(self, priority: int | None) -> None:
        self._beside().set_audio_priority(priority)

    @property
    def live_stats(self) -> LiveStats:
        """In the background: what was counted since the engine was made, resets and reconfigurations included."""
        player = self._beside().player
        return LiveStats(
            **player.stats,
            callback_times=Durations.from_nanoseconds(*player.callback_times),
            model_times=Durations.from_nanoseconds(*player.model_times),
            model_in_callback=self._background_settings.slack == 0,
        )

    def take_peaks(self) -> tuple[list[float], list[float]]:
        """In the background: the largest magnitudes of the input's and output's channels (up to 64) since the last
        call, 1.0 for full scale."""
        return self._beside().player.take_peaks(self._settings.channels)
