"""A stream through DTLN: a block of 128 frames in, a block of 128 frames out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neutone.plugins import Session
from neutone_dtln.stage import RecurrentStage

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["BINS", "DELAY", "LOOK_BEHIND", "SAMPLE_RATE", "SHIFT", "WINDOW", "DtlnSession"]

# As in the paper: 16 kHz, and windows of 32 ms every 8 ms. They are not weighted, and the overlap-add does not scale
# its sums, because the networks were trained with it.
SAMPLE_RATE = 16_000
WINDOW = 512
SHIFT = 128
BINS = WINDOW // 2 + 1

LOOK_BEHIND = WINDOW - SHIFT
"""The frames before a block that complete its window. The stream keeps them, so ``audio_in`` is the whole window."""
DELAY = WINDOW - SHIFT
"""A frame is complete once the last window that contains it was added, WINDOW - SHIFT frames after it arrived."""


class DtlnSession(Session):
    """The first network masks the magnitudes of the window's spectrum and leaves the phase as it is. The second works
    on the resulting waveform, in a learned transform. Its outputs are added where windows overlap."""

    def __init__(
        self, mask_network: onnxruntime.InferenceSession, waveform_network: onnxruntime.InferenceSession
    ) -> None:
        self.allocate(input_channels=1, output_channels=1, parameters=0, block_size=SHIFT, look_behind=LOOK_BEHIND)
        self._mask_stage = RecurrentStage(mask_network, BINS)
        self._waveform_stage = RecurrentStage(waveform_network, WINDOW)
        self._spectrum = np.zeros(BINS, np.complex64)
        self._sum = np.zeros(WINDOW, np.float32)
        self.run(SHIFT)  # the runtime plans its memory in the first run, so do that before audio flows
        self.reset()

    def run(self, frames: int) -> None:
        spectrum, mask_stage, waveform_stage = self._spectrum, self._mask_stage, self._waveform_stage
        np.fft.rfft(self.audio_in[0], out=spectrum)  # type: ignore[arg-type]  # numpy's stub knows complex128 only
        np.abs(spectrum, out=mask_stage.frame_in)
        mask_stage.run()
        np.multiply(spectrum, mask_stage.frame_out, out=spectrum)
        np.fft.irfft(spectrum, WINDOW, out=waveform_stage.frame_in)
        waveform_stage.run()

        self._sum[:-SHIFT] = self._sum[SHIFT:]
        self._sum[-SHIFT:] = 0.0
        self._sum += waveform_stage.frame_out
        self.audio_out[0] = self._sum[:SHIFT]

    def reset(self) -> None:
        self._mask_stage.reset()
        self._waveform_stage.reset()
        self._sum.fill(0.0)
