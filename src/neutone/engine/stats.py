"""What an engine counts."""

from __future__ import annotations

from dataclasses import dataclass

from neutone.engine.durations import Durations

__all__ = ["EngineStats", "LiveStats"]


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counters since the last reset."""

    host_blocks: int
    host_frames: int
    model_blocks: int
    model_frames: int
    nonfinite_input: int
    """input samples that were NaN or infinite and became silence"""
    nonfinite_output: int
    """samples of the model that were NaN or infinite and became silence"""
    starved_frames: int
    """host frames that were not there in time and were replaced: by silence, or as ``late`` says"""
    lost_frames: int
    """host frames that the model never heard, for it was too far behind"""
    failed_blocks: int
    """model blocks that raised and became silence"""
    scheduling: str = "the caller's"
    """how the model's thread is scheduled; in the background, whether that is real-time, and if not, why"""


@dataclass(frozen=True, slots=True)
class LiveStats:
    """How an engine in the background is doing since it was made."""

    blocks: int
    """host blocks"""
    frames: int
    """host frames"""
    late_frames: int
    """host frames that were replaced, for the model had not answered in time"""
    hurried_frames: int
    """of the late frames, those where the host gave the model less than half of the slack: an audio server that catches
    up after an xrun"""
    lost_frames: int
    """host frames that the model never heard, for it was too far behind"""
    refused_blocks: int
    """blocks of another size or number of channels than the engine is configured for, answered with silence"""
    takeovers: int
    """streams that were put in place: the first, and one for each reset or reconfiguration"""
    audio_ns: int
    """how long the blocks sound, ns"""
    callback_times: Durations
    """of the host's blocks"""
    model_times: Durations
    """of the model's blocks"""
    model_in_callback: bool
    """whether the first include the second"""

    @property
    def load(self) -> float:
        """Compute time / audio time."""
        if self.audio_ns == 0:
            return 0.0
        computed = self.callback_times.total + (0.0 if self.model_in_callback else self.model_times.total)
        return computed / (1e-9 * self.audio_ns)
