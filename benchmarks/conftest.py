"""Let the benchmarks import the modules next to them. The peer's side runs in an environment of its own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["peer"]
