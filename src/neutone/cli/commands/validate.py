"""``neutone validate``: check that a model file does what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli.errors import EXIT_ERROR, explain
from neutone.cli.options import JsonFlag, TrustFlag
from neutone.cli.sandbox_options import MemoryLimit, TimeLimit, show_protections
from neutone.cli.terminal import output, print_json

if TYPE_CHECKING:
    from neutone.model.check_result import CheckResult
    from neutone.sandbox import Limits


def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A model file, such as .nm or .onnx.")],
    seconds: Annotated[
        float, typer.Option(min=0.01, max=60.0, help="How many seconds to measure the speed in each host.")
    ] = 0.1,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Open the file in a process without rights: a .nm file's code runs.")
    ] = False,
    trust: TrustFlag = False,
    time_limit: TimeLimit = 120.0,
    memory_limit: MemoryLimit = 4096,
    as_json: JsonFlag = False,
) -> None:
    """Check a model file and how it runs, resets and delays in several hosts. Exit code 2: a check failed."""
    from neutone.checks.file import check_file
    from neutone.cli.tables import check_table

    if sandbox:
        from neutone.sandbox import Limits

        checks = _check_in_sandbox(file, seconds, Limits(seconds=time_limit, memory_mb=memory_limit))
    else:
        checks = check_file(file, seconds, trust)
    failed = sum(check.failed for check in checks)
    if as_json:
        print_json({"file": file, "passed": not failed, "checks": [asdict(check) for check in checks]})
    else:
        verdict = f"{failed} of {len(checks)} checks failed" if failed else "no check failed"
        output().print(check_table(checks, title=f"{file}: {verdict}"))
    if failed:
        raise typer.Exit(EXIT_ERROR)


def _check_in_sandbox(file: str, seconds: float, limits: Limits) -> list[CheckResult]:
    from neutone.checks.file import check_file_as_data, require_model_file
    from neutone.errors import ModelFileError, SandboxError
    from neutone.model.check_result import CheckResult
    from neutone.sandbox import run_sandboxed

    path, _, backend = require_model_file(file)
    path = path.resolve()
    try:
        answer = run_sandboxed(
            f"{check_file_as_data.__module__}:{check_file_as_data.__name__}",
            {"file": str(path), "seconds": seconds},
            readable=[path],
            modules=backend.requires,
            limits=limits,
        )
    except ModelFileError as error:
        return [CheckResult("loads", False, explain(error))]
    show_protections(answer.protections, limits)
    if not isinstance(answer.value, list) or not answer.value or not all(map(_is_check, answer.value)):
        raise SandboxError("the process sent something that is not a list of checks")
    return [CheckResult(check["name"], check["passed"], check["detail"]) for check in answer.value]


def _is_check(value: Any) -> bool:
    """Return whether a value is a check. The file's code may have taken the process over and sent something else."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("detail"), str)
        and (value.get("passed") is None or isinstance(value["passed"], bool))
    )
