"""Arrays in every layout that numpy has, and objects that are not audio at all."""

from __future__ import annotations

import array
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bad_audio", "draw_audio", "draw_out", "lay_out"]

Array = NDArray[np.float32]

LAYOUTS = (
    "plain",
    "plain",
    "plain",
    "fortran",
    "reversed channels",
    "reversed time",
    "every third",
    "inside",
    "misaligned",
    "read-only",
    "memoryview",
)


def draw_audio(rng: random.Random, channels: int, frames: int) -> Array:
    """Return noise; sometimes silence, tiny or huge values, or samples that are not finite."""
    noise = np.random.default_rng(rng.getrandbits(32)).uniform(-1, 1, (channels, frames)).astype(np.float32)
    kind = rng.randrange(14)
    if kind == 0:
        noise *= np.float32(3e38)
    elif kind == 1:
        noise *= np.float32(1e-40)
    elif kind == 2:
        noise[...] = 0
    elif kind == 3 and frames:
        places = [rng.randrange(frames) for _ in range(rng.randrange(1, 4))]
        noise[rng.randrange(channels), places] = rng.choice([np.nan, np.inf, -np.inf])
    return noise


def lay_out(rng: random.Random, values: Array) -> Any:
    """Return the same values in another layout and other memory. An engine must accept them as well."""
    channels, frames = values.shape
    layout = rng.choice(LAYOUTS)
    if layout == "fortran":
        return np.array(values, order="F")
    if layout == "reversed channels":
        return values[::-1].copy()[::-1]
    if layout == "reversed time":
        return values[:, ::-1].copy()[:, ::-1]
    if layout == "every third":
        wide = np.full((channels, 3 * frames), np.nan, np.float32)
        wide[:, ::3] = values
        return wide[:, ::3]
    if layout == "inside":
        wide = np.full((channels + 2, frames + 9), np.nan, np.float32)
        wide[1:-1, 4 : 4 + frames] = values
        return wide[1:-1, 4 : 4 + frames]
    if layout == "misaligned":
        raw = np.zeros(values.nbytes + 1, np.uint8)
        shifted = raw[1:].view(np.float32).reshape(values.shape) if values.size else values
        shifted[...] = values
        return shifted
    if layout == "read-only":
        frozen = values.copy()
        frozen.flags.writeable = False
        return frozen
    if layout == "memoryview" and values.size:
        copied: Any = values.copy()
        return memoryview(copied)
    return values.copy()


def draw_out(rng: random.Random, audio: Any, channels: int, frames: int) -> tuple[Any, bool | None]:
    """Return an array for the result, and whether the engine must accept it; None if it may do either."""
    fresh = np.full((channels, frames), np.nan, np.float32)
    kind = rng.randrange(16)
    if kind < 5:
        return fresh, True
    if kind == 5 and isinstance(audio, np.ndarray) and audio.dtype == np.float32 and audio.flags.c_contiguous:
        return audio, bool(audio.flags.writeable and audio.flags.aligned and audio.shape == fresh.shape)
    if kind == 6:
        return np.full((channels, frames + 5), np.nan, np.float32)[:, 3 : 3 + frames], True
    if kind == 7:
        return fresh[::-1], True
    if kind == 8:
        return fresh[:, ::-1], False if frames > 1 else None
    if kind == 9:
        return np.asfortranarray(fresh), False if frames > 1 and channels > 1 else None
    if kind == 10:
        fresh.flags.writeable = False
        return fresh, False
    if kind == 11:
        row = np.zeros(frames, np.float32)
        shared = np.lib.stride_tricks.as_strided(row, (channels, frames), (0, 4))
        return shared, False if channels > 1 and frames > 0 else None
    if kind == 12:
        return np.zeros((channels, frames), rng.choice(["f8", "i4", ">f4", "c8"])), False
    if kind == 13:
        shape = rng.choice(
            [(channels + 1, frames), (channels, frames + 1), (channels * frames,), (1, channels, frames)]
        )
        return np.zeros(shape, np.float32), False
    if kind == 14:
        raw = np.zeros(fresh.nbytes + 1, np.uint8)[1:]
        return (raw.view(np.float32).reshape(fresh.shape), False) if fresh.size else (fresh, True)
    return rng.choice([[[0.0] * frames] * channels, bytearray(fresh.nbytes), "out", 3, object()]), False


def bad_audio(rng: random.Random, channels: int, frames: int, block: int, *, varies: bool) -> Any:
    """Return something that an engine must refuse as audio."""
    good = np.zeros((channels, frames), np.float32)
    choices: list[Any] = [
        good.astype(np.float64),
        good.astype(np.int16),
        good.astype(">f4"),
        good.astype(object),
        good.astype(bool),
        good.astype("U4"),
        np.zeros((channels, frames), [("a", "f4")]),
        np.zeros((channels + 1, frames), np.float32),
        np.zeros((0, frames), np.float32),
        np.zeros((channels, block + 1), np.float32),
        np.zeros(frames, np.float32),
        np.zeros((1, channels, frames), np.float32),
        np.float32(1.0),
        [[0.0] * frames] * channels,
        None,
        b"audio",
        "audio",
        array.array("f", [0.0] * frames),
        object(),
    ]
    if channels != frames:
        choices.append(np.zeros((frames, channels), np.float32) if not varies or frames > 0 else None)
    if not varies:
        choices.append(np.zeros((channels, block - 1), np.float32))
    return rng.choice(choices)
