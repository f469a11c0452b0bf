"""What commands that use the sandbox share: its limits as options, and the line that says what is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neutone.cli.terminal import remark

if TYPE_CHECKING:
    from neutone.sandbox import Limits, Protections

TimeLimit = Annotated[
    float, typer.Option("--time-limit", min=1.0, max=86_400.0, help="End the sandboxed process after so long, s.")
]
MemoryLimit = Annotated[
    int, typer.Option("--memory-limit", min=64, max=1 << 20, help="How much memory the model may take, MiB.")
]


def show_protections(protections: Protections | None, limits: Limits) -> None:
    """One dim line on stderr."""
    if protections is not None:
        remark(f"sandbox: {protections.describe()}; {limits}")
