"""``neutone validate``: whether a model file does what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from neutone.cli.errors import EXIT_ERROR
from neutone.cli.options import JsonFlag
from neutone.cli.terminal import output, print_json

__all__ = ["validate"]


def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .nm or .onnx file.")],
    seconds: Annotated[
        float, typer.Option(min=0.01, max=60.0, help="How long to measure the speed in each host, s.")
    ] = 0.1,
    as_json: JsonFlag = False,
) -> None:
    """Check a model file: what it holds, and how it runs, resets and delays in several hosts. Exit code 2: it fails."""
    from neutone.cli.check_table import check_table
    from neutone.cli.file_checks import check_file

    checks = check_file(file, seconds)
    failed = sum(check.failed for check in checks)
    if as_json:
        print_json({"file": file, "passed": not failed, "checks": [asdict(check) for check in checks]})
    else:
        verdict = f"{failed} of {len(checks)} checks failed" if failed else "no check failed"
        output().print(check_table(checks, title=f"{file}: {verdict}"))
    if failed:
        raise typer.Exit(EXIT_ERROR)
