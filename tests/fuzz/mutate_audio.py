"""Audio files whose headers are wrong."""

from __future__ import annotations

import random

from fuzz.mutate_bytes import mutate_bytes

__all__ = ["mutate_audio"]

WAV_FIELDS = ((4, 4), (16, 4), (20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2), (40, 4))
"""Offset and size of the fields: lengths, format, channels, rate, bytes per second, bytes per frame, bits."""
AIFF_FIELDS = ((4, 4), (16, 4), (20, 2), (22, 4), (26, 2), (28, 8))
FLAC_FIELDS = ((4, 4), (8, 2), (10, 2), (18, 4), (22, 4))
VALUES = (
    0,
    1,
    2,
    3,
    999,
    1000,
    1024,
    1025,
    44_100,
    768_000,
    768_001,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def mutate_audio(rng: random.Random, data: bytes) -> bytes:
    """Return the file with damaged bytes, or with other values in the header's fields."""
    if rng.random() < 0.5:
        return mutate_bytes(rng, data, 64)
    changed = bytearray(data)
    order = "little" if data.startswith(b"RIFF") else "big"
    fields = WAV_FIELDS if data.startswith(b"RIFF") else FLAC_FIELDS if data.startswith(b"fLaC") else AIFF_FIELDS
    for _ in range(rng.choice([1, 1, 2, 3])):
        place, size = rng.choice(fields)
        value = rng.choice(VALUES) % (1 << 8 * size)
        changed[place : place + size] = value.to_bytes(size, "little" if order == "little" else "big")
    if rng.random() < 0.2:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)
