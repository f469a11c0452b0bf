"""``neutone convert``: convert a ``.nm`` file, whose code runs when it is opened, to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neutone.cli.sandbox_options import MemoryLimit, TimeLimit, show_protections
from neutone.cli.terminal import print_line


def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE.nm", help="The model file. Its code runs in a sandbox.")],
    target: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The file to write.")],
    block: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65_536,
            help="Fix the block size, in frames. By default any size if the model permits it, otherwise the first size "
            "that FILE.nm lists, otherwise 512.",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            min=1000, max=384_000, help="The sample rate in Hz, if the model adapts to it. By default its first rate."
        ),
    ] = None,
    time_limit: TimeLimit = 120.0,
    memory_limit: MemoryLimit = 4096,
) -> None:
    """Convert a .nm file to ONNX, and compare the two. The .nm file is opened in a process without rights."""
    from neutone.sandbox import Limits
    from neutone.sdk.convert.convert import convert_to_onnx

    limits = Limits(seconds=time_limit, memory_mb=memory_limit)
    result = convert_to_onnx(source, target, sample_rate=rate, block_size=block, limits=limits)
    blocks = "any block size" if result.block_size is None else f"blocks of {result.block_size} frames"
    pinned = "" if result.sample_rate is None else f", {result.sample_rate} Hz only"
    print_line(
        f"wrote {result.path}: {blocks}{pinned}, {len(result.states)} states, largest difference from {source.name} "
        f"{result.largest_difference:.1e} over {result.blocks} blocks"
    )
    if result.reason:
        print_line(f"the block size is fixed: {result.reason}", "dim")
    show_protections(result.protections, limits)
