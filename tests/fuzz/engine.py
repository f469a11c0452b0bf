"""The engine fuzzer: random engines, blocks, arrays and threads; ``python -m fuzz.engine --help``."""

from __future__ import annotations

import sys

from fuzz.children import Limits
from fuzz.driver import CASES_OF_SEED, parse_options, run_cases, seed_of

LIMITS = Limits(memory=4 << 30, file_size=1 << 20, case_seconds=30.0)


def main() -> int:
    """Run the fuzzer. Returns the exit code: 1 if anything was found."""
    options = parse_options(__doc__ or "")
    if options.case is not None:
        return run_cases(options, "fuzz.engine_child", LIMITS, lambda _: {"case": int(options.case)}, _command, most=1)
    seed = seed_of(options)
    return run_cases(
        options, "fuzz.engine_child", LIMITS, lambda number: {"case": seed * CASES_OF_SEED + number}, _command
    )


def _command(request: dict[str, int], _: object) -> str:
    return f"PYTHONPATH=tests .venv/bin/python -m fuzz.engine --case {request['case']}"


if __name__ == "__main__":
    sys.exit(main())
