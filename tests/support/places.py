"""The project's folders, for tests that start other processes or read files, so that no test counts parent folders."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
"""The folder to put on another process's path, for ``support``."""
ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"
PEER_FILES = TESTS / "data" / "peer"
"""The folder of ``.nm`` files that neutone_sdk 1.5.2 wrote, compressed, each with neutone_sdk's output for some
audio."""
