"""One function in a sandbox, and in a process with all rights: the positive control."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from neutone.sandbox import Protections, run_sandboxed
from support.places import TESTS
from support.protections import AVAILABLE

ABI = AVAILABLE.landlock_abi
BOTH, FILTER_ONLY, FILES_ONLY = AVAILABLE, Protections(0, True), Protections(ABI, False)
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def sandboxed(function: str, *, protections: Protections | None = None, **arguments: Any) -> Any:
    return run_sandboxed(f"support.sandbox_probes:{function}", arguments, protections=protections).value


def freely(function: str, module: str = "support.sandbox_probes", **arguments: Any) -> Any:
    """Run the same function in a process with all rights: the positive control."""
    code = f"import json, sys; from {module} import {function} as f; print(json.dumps(f(**json.loads(sys.argv[1]))))"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    return json.loads(run.stdout)
