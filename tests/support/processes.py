"""Python in a process of its own."""

import subprocess
import sys


def run_python(code: str, *arguments: str) -> str:
    """Run code and return what it prints. Fails if the process fails, or warns of anything."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
