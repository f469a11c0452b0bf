"""Turns the number of a case into a bad file."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

__all__ = ["make_case"]

MOST_BYTES = 32 << 20
SUFFIXES = (".onnx", ".onnx", ".onnx", ".nm", ".nm", ".ts", ".wav", ".flac", ".aiff")


@cache
def _bases(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path in sorted(folder.iterdir()):
        found.setdefault(path.suffix, []).append((path.stem, path.read_bytes()))
    return found


def make_case(number: int, base_folder: Path, target_folder: Path) -> Path:
    """Write the file of case `number`, and return its path."""
    from fuzz.mutate_audio import mutate_audio
    from fuzz.mutate_onnx import mutate_onnx
    from fuzz.mutate_zip import mutate_archive

    rng = random.Random(number)
    bases = _bases(base_folder)
    suffix = rng.choice(SUFFIXES)
    name, data = rng.choice(bases[suffix])
    path = target_folder / f"case{suffix}"
    if suffix == ".onnx":
        made = mutate_onnx(rng, data)
    elif suffix in (".nm", ".ts"):
        bombs = {int(size): deflated for size, deflated in bases[".bomb"]}
        is_bad_as_it_is = name == "shouter" and rng.random() < 0.1
        made = data if is_bad_as_it_is else mutate_archive(rng, data, bombs)
    else:
        made = mutate_audio(rng, data)
    path.write_bytes(made[:MOST_BYTES])
    return path
