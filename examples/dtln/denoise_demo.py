"""Make noisy speech and denoise it in blocks, as a host would. Writes WAV files, and prints the speed and the quality.

python denoise_demo.py --out FOLDER [--noise pink] [--snr 5] [--rate 48000] [--block 480]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import neutone_dtln
import numpy as np
import soundfile
from noisy_speech import Array, add_noise, resample, si_sdr, speak

import neutone

BAND = 16_000
"""The rate at which speech and noise are made, so that losing what is above 8 kHz does not count as an improvement."""


def play(engine: neutone.Engine, audio: Array) -> tuple[Array, float]:
    """Process all blocks in order. Returns the output without the engine's latency, and compute time / audio time."""
    size, late = engine.block_size, engine.latency.total
    frames = audio.shape[1]
    blocks = -(-(frames + late) // size)
    padded = np.zeros((engine.channels, blocks * size), np.float32)
    padded[:, :frames] = audio  # one channel is copied to all
    out = np.empty_like(padded)
    began = time.perf_counter()
    for start in range(0, padded.shape[1], size):
        engine.process(padded[:, start : start + size], out=out[:, start : start + size])
    took = time.perf_counter() - began
    return out[:, late : late + frames], took * engine.sample_rate / padded.shape[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the WAV files")
    parser.add_argument("--noise", choices=("white", "pink"), default="pink")
    parser.add_argument("--snr", type=float, default=5.0, help="dB")
    parser.add_argument("--rate", type=int, default=48_000, help="the host's sample rate in Hz")
    parser.add_argument("--block", type=int, default=480, help="the host's block size in frames")
    options = parser.parse_args()

    speech = speak(sample_rate=BAND)
    clean, noisy = (
        resample(signal, BAND, options.rate) for signal in (speech, add_noise(speech, options.noise, options.snr))
    )
    model = neutone.load(neutone_dtln.model_path(), backend="dtln")
    for channels in (1, 2):
        with neutone.Engine(model, options.rate, options.block, channels, resampler="sinc") as engine:
            denoised, rtf = play(engine, noisy)
            late = engine.latency
        print(
            f"{channels} ch, {options.rate} Hz / {options.block}: SI-SDR {si_sdr(noisy, clean):.2f} dB -> "
            f"{si_sdr(denoised[:1], clean):.2f} dB, RTF {rtf:.4f}, latency {late.total} frames "
            f"({late.milliseconds(options.rate):.1f} ms; {late})"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    for name, audio in (("clean", clean), ("noisy", noisy), ("denoised", denoised)):
        soundfile.write(options.out / f"{name}.wav", audio.T, options.rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
