"""Damage that needs no knowledge of a format."""

from __future__ import annotations

import random

__all__ = ["mutate_bytes"]

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, 1 << 63)


def mutate_bytes(rng: random.Random, data: bytes, header: int = 256) -> bytes:
    """Change a few bytes, half of them among the first `header` bytes, which most programs read first."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        _change(rng, changed, header)
    return bytes(changed)


def _change(rng: random.Random, data: bytearray, header: int) -> None:
    if not data:
        data += rng.randbytes(rng.randrange(64))
        return
    place = rng.randrange(min(header, len(data)) if rng.random() < 0.5 else len(data))
    length = rng.choice([1, 2, 4, 8, rng.randrange(1, 200)])
    kind = rng.randrange(8)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[place] = rng.randrange(256)
    elif kind == 2:
        number = rng.choice(NUMBERS)
        size = rng.choice([n for n in (1, 2, 4, 8) if number < 1 << 8 * n])
        data[place : place + size] = number.to_bytes(size, rng.choice(["little", "big"]))
    elif kind == 3:
        del data[place : place + length]
    elif kind == 4:
        data[place:place] = rng.randbytes(length)
    elif kind == 5:
        other = rng.randrange(len(data))
        data[place : place + length] = data[other : other + length]
    elif kind == 6:
        data[place:place] = data[place : place + length] * rng.choice([1, 2, 50])
    else:
        del data[place:]
