"""What commands that use the sandbox share: options for its limits, and the line that says what is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neutone.cli.terminal import remark

if TYPE_CHECKING:
    from neutone.sandbox import Limits, Protections

TimeLimit = Annotated[
    float, typer.Option("--time-limit", min=1.0, max=86_400.0, help="End the sandboxed process after this long, in s.")
]
MemoryLimit = Annotated[
    int, typer.Option("--memory-limit", min=64, max=1 << 20, help="The memory that the model may use, in MiB.")
]


def show_protections(protections: Protections | None, limits: Limits) -> None:
    """Print one dim line on stderr that says how the file is confined."""
    if protections is not None:
        remark(f"sandbox: {protections.describe()}; {limits}")
