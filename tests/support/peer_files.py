"""The files that neutone_sdk 1.5.2 wrote, decompressed."""

import lzma
from pathlib import Path

from support.places import PEER_FILES

NAMES = ("shaper", "lookbehind", "lstm_amp")


def peer_file(name: str, folder: Path) -> Path:
    """Return the decompressed file ``NAME.nm`` in the folder."""
    path = folder / f"{name}.nm"
    path.write_bytes(lzma.decompress((PEER_FILES / f"{name}.nm.xz").read_bytes()))
    return path
