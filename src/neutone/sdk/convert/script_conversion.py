"""Convert a ``.nm`` file to an ONNX file in this process.

Opening a ``.nm`` file runs its code; :func:`neutone.sdk.convert_to_onnx` does this in a sandboxed process.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neutone.errors import ConfigurationError, ModelFileError
from neutone.model.metadata import ModelMetadata
from neutone.plugins.loading import load
from neutone.sandbox import Results, scratch_file
from neutone.sdk.convert.script_comparison import CHECKED_BLOCKS, compare_blocks
from neutone.sdk.export.nm.save import load_neutone_model
from neutone.sdk.export.onnx.graph import require_exporter
from neutone.sdk.export.onnx.script_attributes import leaves
from neutone.sdk.export.onnx.script_graph import ScriptGraph

ONNX_FILE = "model.onnx"

DEFAULT_BLOCK = 512
"""The block size in frames for models that take any size but can be converted for one size only."""
TYPICAL_RATE = 48_000
OTHER_RATES = (8_000, 44_100, 96_000, 192_000, 384_000)
OPEN_FRAMES = 64
"""The number of frames in the block that is traced if the block size stays open."""
LONGEST = 600
"""The longest of the many blocks that are compared if any size is possible, in frames."""
MORE_SIZES = (1, 1024, 2048)
"""Further block sizes that are compared, in frames. Files are rendered with the last one."""


@dataclass(frozen=True)
class ScriptConversion:
    """The result of a conversion: how the file can be used, and how exact it is. JSON can hold all of it."""

    states: list[str]
    """The names of the inputs that carry state."""
    sample_rate: int | None
    """The only sample rate (Hz) of the result, if the ``.nm`` file lists more or none; otherwise None."""
    block_size: int | None
    """The only block size (frames) of the result, or None if it takes any."""
    reason: str
    """Why the block size is not open although it is in the ``.nm`` file. Empty if it is open, or was chosen."""
    blocks: int
    """How many blocks were compared."""
    largest_difference: float


def convert_in_sandbox(source: str, sample_rate: int | None, block_size: int | None) -> Results:
    """Run :func:`convert_script` inside :func:`neutone.sandbox.run_sandboxed`.
    The result's file is named :data:`ONNX_FILE`."""
    conversion, contents = convert_script(Path(source), sample_rate=sample_rate, block_size=block_size)
    return Results(asdict(conversion), {ONNX_FILE: contents})


def convert_script(
    source: Path, *, sample_rate: int | None = None, block_size: int | None = None
) -> tuple[ScriptConversion, bytes]:
    """Convert the model in a ``.nm`` file to the contents of an ONNX file, and compare the two block by block.

    Args:
        source: The ``.nm`` file. Its code runs in this process.
        sample_rate: One of the rates (Hz) that the file lists, for a model that adapts to its rate; None for the first
            one.
        block_size: One of the block sizes (frames) that the file lists. None for an open size, if the file lists none
            or several and the model permits it.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ConfigurationError: The file does not list the sample rate or block size.
        neutone.errors.ModelFileError: The model cannot be converted, or the result differs from it.
    """
    require_exporter()
    metadata = load(source).metadata  # raises if something is wrong with the file
    rates, sizes = metadata.native_sample_rates, metadata.native_buffer_sizes
    if sample_rate is not None and rates and sample_rate not in rates:
        raise ConfigurationError(f"the sample rate is {sample_rate} Hz, but {source.name} runs at {rates} only")
    if block_size is not None and sizes and block_size not in sizes:
        raise ConfigurationError(f"the block size is {block_size}, but {source.name} takes {sizes} only")
    rate = sample_rate or (rates or [TYPICAL_RATE])[0]
    reason = ""
    if block_size is None and len(sizes) != 1:
        try:
            return _convert(source, metadata, rate, None, sample_rate is not None, "")
        except ModelFileError as error:
            reason = str(error)
    frames = block_size or (sizes or [DEFAULT_BLOCK])[0]
    return _convert(source, metadata, rate, frames, sample_rate is not None, reason)


def _convert(
    source: Path,
    metadata: ModelMetadata,
    rate: int,
    frames: int | None,
    is_pinned: bool,
    reason: str,
) -> tuple[ScriptConversion, bytes]:
    """Convert for any block size, or for the block size `frames` if it is given."""
    sizes = metadata.native_buffer_sizes
    traced = frames or (sizes or [OPEN_FRAMES])[0]
    graph = _graph(source, metadata, rate, traced)
    pinned = rate if is_pinned or _depends_on_rate(graph, source, rate, traced) else None
    if pinned is not None:
        graph.metadata = graph.metadata.model_copy(update={"native_sample_rates": [pinned]})
    if frames is None and any(_graph(source, metadata, rate, size).delay != graph.delay for size in sizes or [LONGEST]):
        raise ModelFileError(
            f"the delay of {graph.name} depends on the block size, but an ONNX file can state only one delay"
        )
    contents: bytes = graph.to_proto(keep_open=frames is None).SerializeToString()
    if frames is not None:
        runs = [[frames] * CHECKED_BLOCKS]
    elif sizes:
        runs = [[size] * CHECKED_BLOCKS for size in sizes]
    else:
        runs = [[int(n) for n in np.random.default_rng(1).integers(1, LONGEST, CHECKED_BLOCKS)] + list(MORE_SIZES)]
    with scratch_file(contents, ".onnx") as target:
        differences = [compare_blocks(source, target, rate, lengths, shift=i) for i, lengths in enumerate(runs)]
    states = [graph.state_name(index) for index in range(len(graph.states))]
    return ScriptConversion(states, pinned, frames, reason, sum(map(len, runs)), max(differences)), contents


def _graph(source: Path, metadata: ModelMetadata, rate: int, frames: int) -> ScriptGraph:
    return ScriptGraph(load_neutone_model(source)[0].w2w_base, metadata, rate, frames)


def _depends_on_rate(graph: ScriptGraph, source: Path, rate: int, frames: int) -> bool:
    """Return whether anything that a block reads is different at another rate that the file permits."""
    others = graph.metadata.native_sample_rates or OTHER_RATES
    for other in others:
        if other == rate:
            continue
        with torch.no_grad():
            module: Any = load_neutone_model(source)[0].w2w_base
            module.set_sample_rate_and_buffer_size(other, frames)
            module.reset()
        for path, value in graph.attributes.initial.items():
            *folders, name = path.split(".")
            owner = module._c
            for folder in folders:
                owner = owner.getattr(folder) if owner.hasattr(folder) else None
                if owner is None:
                    break
            if owner is not None and owner.hasattr(name) and not _equal(value, owner.getattr(name)):
                return True
    return False


def _equal(one: Any, other: Any) -> bool:
    ours, theirs = dict(leaves(one, "")), dict(leaves(other, ""))
    if ours.keys() != theirs.keys():
        return False
    for place, leaf in ours.items():
        if isinstance(leaf, Tensor):
            same = isinstance(theirs[place], Tensor) and leaf.shape == theirs[place].shape
            if not same or not torch.equal(leaf, theirs[place]):
                return False
        elif leaf != theirs[place]:
            return False
    return True
