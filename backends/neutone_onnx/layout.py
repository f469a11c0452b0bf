"""Find out which tensors of a graph are audio, parameters and state, and their shapes for a block of N frames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neutone.errors import ConfigurationError, ModelFileError
from neutone.limits import MAX_AUDIO_FLOATS, MAX_BUFFER_SIZE, MAX_CHANNELS, MAX_STATE_BYTES
from neutone.model.metadata import ModelMetadata
from neutone_onnx.interface import GraphInterface, Tensor

MOST_SHOWN = 8
"""The most tensors that a message lists."""

ELEMENT_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


@dataclass(frozen=True)
class State:
    """A state tensor: the names of its input and output."""

    input_name: str
    output_name: str
    shape: tuple[int, ...]
    element_type: type[np.generic]
    has_initializer: bool
    """Whether the graph has an initial value of its own for this state; otherwise it starts from zeros."""


@dataclass(frozen=True)
class Layout:
    """The tensors of a model. The last axis of every audio tensor is time."""

    audio_in: str
    audio_in_leading: tuple[int, ...]
    audio_out: str
    audio_out_leading: tuple[int, ...]
    params: str | None = None
    states: tuple[State, ...] = field(default=())

    @property
    def input_channels(self) -> int:
        return int(np.prod(self.audio_in_leading))

    @property
    def output_channels(self) -> int:
        return int(np.prod(self.audio_out_leading))


def describe_tensors(tensors: Iterable[Tensor]) -> str:
    """Return names, types and shapes for a message."""
    described = [f"{t.name[:80]} {t.type} {list(t.shape)}"[:200] for t in tensors]
    more = f" and {len(described) - MOST_SHOWN} more" if len(described) > MOST_SHOWN else ""
    return (", ".join(described[:MOST_SHOWN]) or "none") + more


def read_states(interface: GraphInterface, path: Path) -> tuple[State, ...]:
    """Return the tensors that carry state from block to block.

    Raises :class:`~neutone.errors.ModelFileError` if a state has no output, an unknown type or an open size, or if all
    states together take more memory than a model may use.
    """
    outputs = {output.name for output in interface.outputs}
    states = []
    for argument, has_initializer in [
        *((argument, False) for argument in interface.inputs),
        *((argument, True) for argument in interface.overridable),
    ]:
        if not argument.name.startswith("state."):
            continue
        next_name = "next_" + argument.name
        if next_name not in outputs:
            raise ModelFileError(f"{path}: the state input {argument.name[:80]!r} has no output {next_name[:80]!r}")
        sizes = [size for size in argument.shape if isinstance(size, int)]
        if argument.type not in ELEMENT_TYPES or len(sizes) != len(argument.shape):
            raise ModelFileError(
                f"{path}: the state {argument.name[:80]!r} is {argument.type} {argument.shape}, expected a known "
                f"element type and fixed sizes"
            )
        element_type = ELEMENT_TYPES[argument.type]
        states.append(State(argument.name, next_name, tuple(sizes), element_type, has_initializer))
    size = sum(math.prod(state.shape) * np.dtype(state.element_type).itemsize for state in states)
    if size > MAX_STATE_BYTES:
        raise ModelFileError(f"{path}: the state takes {size} bytes, expected {MAX_STATE_BYTES} at most")
    return tuple(states)


def refuse_large_tensors(interface: GraphInterface, path: Path) -> None:
    """Raise :class:`~neutone.errors.ModelFileError` if an input claims more memory than a model may use."""
    for tensor in (*interface.inputs, *interface.overridable):
        size = math.prod(size for size in tensor.shape if isinstance(size, int))
        if size * 4 > MAX_STATE_BYTES:
            raise ModelFileError(
                f"{path}: {describe_tensors([tensor])} has {size} elements, expected {MAX_STATE_BYTES // 4} at most"
            )


def check_channels(leading: Iterable[int], look_behind: int, path: Path) -> None:
    """Raise :class:`~neutone.errors.ModelFileError` if there are more channels, or more samples, than a model may
    have."""
    channels = math.prod(leading)
    if not 1 <= channels <= MAX_CHANNELS:
        raise ModelFileError(f"{path}: audio has {channels} channels, expected 1 to {MAX_CHANNELS}")
    floats = channels * (look_behind + MAX_BUFFER_SIZE)
    if look_behind and floats > MAX_AUDIO_FLOATS:
        raise ModelFileError(
            f"{path}: {look_behind} frames of look-behind for {channels} channels, expected at most "
            f"{MAX_AUDIO_FLOATS} samples with a block"
        )


def read_neutone_layout(interface: GraphInterface, path: Path, metadata: ModelMetadata) -> Layout:
    """Return the layout of a file that neutone exported: audio, params, state.*, audio_out, next_state.*."""
    inputs = {argument.name: argument for argument in interface.inputs}
    outputs = {argument.name: argument for argument in interface.outputs}
    leading: dict[str, int] = {}
    for name, found in (("audio", inputs), ("audio_out", outputs)):
        if name not in found:
            raise ModelFileError(f"{path}: there is no tensor {name!r} among {describe_tensors(found.values())}")
        argument = found[name]
        channels = argument.shape[0] if len(argument.shape) == 2 else None
        if argument.type != "tensor(float)" or not isinstance(channels, int):
            raise ModelFileError(f"{path}: {describe_tensors([argument])}, expected float (channels, N)")
        check_channels([channels], metadata.look_behind_samples, path)
        leading[name] = channels
    declared = len(metadata.parameters)
    if "params" in inputs:
        rows = inputs["params"].shape[0] if inputs["params"].shape else None
        if rows != declared:
            raise ModelFileError(f"{path}: params has {rows} rows, but the metadata declares {declared} parameters")
    elif declared:
        raise ModelFileError(f"{path}: the metadata declares {declared} parameters, but there is no input 'params'")
    stray = [name for name in inputs if name not in ("audio", "params") and not name.startswith("state.")]
    if stray:
        raise ModelFileError(f"{path}: unknown input {stray[0][:80]!r}, expected audio, params and state.*")
    frames = inputs["audio"].shape[1]
    if isinstance(frames, int):
        block = frames - metadata.look_behind_samples
        if metadata.native_buffer_sizes != [block]:
            raise ModelFileError(
                f"{path}: audio has {frames} frames, {block} without look-behind, but native_buffer_sizes says "
                f"{metadata.native_buffer_sizes}"
            )
    return Layout(
        "audio",
        (leading["audio"],),
        "audio_out",
        (leading["audio_out"],),
        "params" if "params" in inputs else None,
        read_states(interface, path),
    )


def _plain_leading(argument: Tensor) -> tuple[int, ...] | None:
    """Return (C,) for the shape (C, N) and (1, C) for (1, C, N), or None if it is not audio or its channel count is
    open."""
    shape = list(argument.shape)
    if argument.type != "tensor(float)" or len(shape) not in (2, 3):
        return None
    if len(shape) == 3:
        if isinstance(shape[0], int) and shape[0] != 1:
            return None
        shape[0] = 1  # a symbolic batch size
    leading = tuple(size for size in shape[:-1] if isinstance(size, int) and size > 0)
    return leading if len(leading) == len(shape) - 1 else None


@dataclass(frozen=True)
class PlainShapes:
    """What the shapes of a file without metadata say about its model."""

    audio_in: str
    leading: tuple[int, ...]
    block_size: int | None
    """The only number of frames that the graph takes, or None if it takes any."""
    audio_out: str
    output_channels: int | None
    """The number of output channels, or None if the file leaves it open."""
    states: tuple[State, ...]


def read_plain_shapes(interface: GraphInterface, path: Path, block_size: int | None) -> PlainShapes:
    """Return what the shapes of a file without neutone's metadata say, if they can be read in one way only."""
    inputs = [a for a in interface.inputs if not a.name.startswith("state.")]
    outputs = [a for a in interface.outputs if not a.name.startswith("next_state.")]
    leading = _plain_leading(inputs[0]) if len(inputs) == 1 else None
    if leading is None or len(outputs) != 1:
        raise ModelFileError(
            f"{path} has no neutone metadata, and its shapes do not show which tensor is audio: inputs "
            f"{describe_tensors(inputs)}; outputs {describe_tensors(outputs)}; expected one float input (C, N), "
            f"(1, C, N) or (1, N) and one such output"
        )
    check_channels(leading, 0, path)
    frames = inputs[0].shape[-1]
    if isinstance(frames, int):
        if not 1 <= frames <= MAX_BUFFER_SIZE:
            raise ModelFileError(f"{path} takes blocks of {frames} frames, expected 1 to {MAX_BUFFER_SIZE}")
        if block_size not in (None, frames):
            raise ConfigurationError(f"{path.name} takes blocks of exactly {frames} frames, not {block_size}")
        block_size = frames
    out = _plain_leading(outputs[0])
    channels = None if out is None else math.prod(out)
    return PlainShapes(inputs[0].name, leading, block_size, outputs[0].name, channels, read_states(interface, path))
