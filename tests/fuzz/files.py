"""The file fuzzer: bad files of every format that the project opens; ``python -m fuzz.files --help``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from fuzz.children import Limits
from fuzz.driver import CASES_OF_SEED, Request, parse_options, run_cases, seed_of
from fuzz.findings import Finding

LIMITS = Limits(memory=3 << 30, file_size=64 << 20, case_seconds=20.0)
FOLDER = Path("build/fuzz").resolve()


def main() -> int:
    """Run the fuzzer. Returns the exit code: 1 if anything was found."""
    options = parse_options(__doc__ or "")
    bases, found = FOLDER / "bases", FOLDER / "found"
    if not (bases / "ready").exists():
        shutil.rmtree(bases, ignore_errors=True)
        subprocess.run([sys.executable, "-W", "ignore", "-m", "fuzz.base_files", str(bases)], check=True)
        (bases / "ready").touch()

    def keep(request: Request, finding: Finding) -> str:
        """Keep the file in the folder of findings, and return the command that opens it again."""
        if "file" in request:
            return f"{COMMAND} --case {options.case}"
        found.mkdir(parents=True, exist_ok=True)
        from fuzz.file_cases import make_case

        made = make_case(request["case"], bases, found)
        kept = made.rename(found / f"{request['case']}{made.suffix}")
        return f"{COMMAND} --case {kept.relative_to(Path.cwd())}"

    def case(number: int) -> Request:
        return {"case": seed * CASES_OF_SEED + number}

    if options.case is not None:
        request: Request = {"case": int(options.case)} if options.case.isdecimal() else {"file": options.case}
        if "file" in request:
            request["file"] = str(Path(options.case).resolve())
        return run_cases(options, "fuzz.file_child", LIMITS, lambda _: request, keep, arguments=[str(bases)], most=1)
    seed = seed_of(options)
    return run_cases(options, "fuzz.file_child", LIMITS, case, keep, arguments=[str(bases)])


COMMAND = "PYTHONPATH=tests .venv/bin/python -m fuzz.files"

if __name__ == "__main__":
    sys.exit(main())
