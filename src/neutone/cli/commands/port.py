"""``neutone port``: turn a wrapper written for neutone_sdk into one for neutone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neutone.cli.terminal import print_line, remark
from neutone.errors import ConfigurationError, printable
from neutone.file_replacement import replaced_when_complete


def port(
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="A Python file that uses neutone_sdk.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="The file to write. By default the code goes to stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT, which may be FILE, if it is there.")] = False,
) -> None:
    """Replace neutone_sdk by neutone.compat in the imports of a Python file, and say what else needs a look. The file
    is not run."""
    from neutone.cli.porting.findings import findings
    from neutone.cli.porting.imports import NEW, OLD, import_changes
    from neutone.cli.porting.source import read_source

    if output is not None and output.exists() and not force:
        raise ConfigurationError(f"{output} is there already: name another file, or add --force")
    source = read_source(file)
    changes = import_changes(source)
    ported = source.replaced(changes)
    found = findings(source)
    for finding in found:
        remark(f"{file}:{finding.line}: {finding.message}")
    if output is None:
        if sys.stdout is not None:  # None if it is closed
            sys.stdout.write(printable(ported) if sys.stdout.isatty() else ported)
        return
    with replaced_when_complete(output) as temporary:
        temporary.write_bytes(ported.encode(source.encoding))
    print_line(f"wrote {output}: {len(changes)} times {NEW} for {OLD}, {len(found)} more things to look at")
