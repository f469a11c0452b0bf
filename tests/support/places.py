"""Where things are, for tests that start other processes or read files: no test counts its own folders."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
"""to be put on another process's path, for ``support``"""
ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"
PEER_FILES = TESTS / "data" / "peer"
"""``.nm`` files that neutone_sdk 1.5.2 wrote, compressed, each with what neutone_sdk returns for some audio"""
