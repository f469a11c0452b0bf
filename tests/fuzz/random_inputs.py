"""Write the inputs that libFuzzer starts with: ``random_inputs.py SEED FOLDER``. Long ones reach every operation at
once; from an empty one that would take minutes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

__all__: list[str] = []

COUNT, SUBJECTS = 200, 5
LENGTHS = (16, 1000)


def main() -> None:
    """Write random bytes, the same for the same seed. The first byte picks the subject."""
    rng, folder = random.Random(int(sys.argv[1])), Path(sys.argv[2])
    folder.mkdir(parents=True)
    for number in range(COUNT):
        (folder / f"{number:03}").write_bytes(bytes([number % SUBJECTS]) + rng.randbytes(rng.randint(*LENGTHS)))


if __name__ == "__main__":
    main()
