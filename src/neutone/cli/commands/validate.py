"""``neutone validate``: check that a model file does what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neutone.cli.errors import EXIT_ERROR, explain
from neutone.cli.options import BackendName, JsonFlag, LoadOptions, ModelName, TrustFlag, backend_options
from neutone.cli.sandbox_options import MemoryLimit, TimeLimit, show_protections
from neutone.cli.terminal import output, print_json

if TYPE_CHECKING:
    from neutone.model.check_result import CheckResult
    from neutone.sandbox import Limits


def validate(
    file: ModelName,
    seconds: Annotated[
        float, typer.Option(min=0.01, max=60.0, help="How many seconds to measure the speed in each host.")
    ] = 0.1,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Open the file in a process without rights: a .nm file's code runs.")
    ] = False,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
    time_limit: TimeLimit = 120.0,
    memory_limit: MemoryLimit = 4096,
    as_json: JsonFlag = False,
) -> None:
    """Check a model and how it runs, resets and delays in several hosts. Exit code 2: a check failed."""
    from neutone.checks.file import check_file
    from neutone.cli.tables import check_table

    settings = backend_options(options)
    if sandbox:
        from neutone.sandbox import Limits

        limits = Limits(seconds=time_limit, memory_mb=memory_limit)
        checks = _check_in_sandbox(file, seconds, limits, backend, settings)
    else:
        checks = check_file(file, seconds, trust, backend=backend, **settings)
    failed = sum(check.failed for check in checks)
    if as_json:
        print_json({"file": file, "passed": not failed, "checks": [asdict(check) for check in checks]})
    else:
        verdict = f"{failed} of {len(checks)} checks failed" if failed else "no check failed"
        output().print(check_table(checks, title=f"{file}: {verdict}"))
    if failed:
        raise typer.Exit(EXIT_ERROR)


def _check_in_sandbox(
    file: str, seconds: float, limits: Limits, backend_name: str | None, options: dict[str, Any]
) -> list[CheckResult]:
    from neutone.checks.file import check_file_as_data, require_model_file
    from neutone.errors import ConfigurationError, ModelFileError, SandboxError
    from neutone.model.check_result import CheckResult
    from neutone.plugins.loading import models_in, names_a_class
    from neutone.sandbox import run_sandboxed

    if names_a_class(file) or len(models_in(file)) > 1:
        raise ConfigurationError(f"--sandbox is given for {file!r}, expected one model file")
    path, name, backend = require_model_file(file, backend_name)
    path = path.resolve()
    try:
        answer = run_sandboxed(
            f"{check_file_as_data.__module__}:{check_file_as_data.__name__}",
            {"file": str(path), "seconds": seconds, "backend": name, "options": options},
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
