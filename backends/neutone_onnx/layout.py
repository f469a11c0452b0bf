"""Which tensors of a graph are audio, parameters and state, and what shapes they take for a block of N frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neutone.errors import ConfigurationError, ModelFileError
from neutone.metadata import ModelMetadata

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["Layout", "State", "read_neutone_layout", "read_plain_layout"]

PROBE_FRAMES = 512

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
    """One state tensor: where it goes in and comes out."""

    input_name: str
    output_name: str
    shape: tuple[int, ...]
    element_type: type[np.generic]
    has_initializer: bool
    """left unfed, the graph starts from its own value; otherwise from zeros"""


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


def _shapes(arguments: Any) -> str:
    return ", ".join(f"{a.name} {a.type} {list(a.shape)}" for a in arguments) or "none"


def _read_states(inference: onnxruntime.InferenceSession, path: Path) -> tuple[State, ...]:
    outputs = {output.name for output in inference.get_outputs()}
    required = inference.get_inputs()
    optional = inference.get_overridable_initializers()
    states = []
    for argument in [*required, *optional]:
        if not argument.name.startswith("state."):
            continue
        next_name = "next_" + argument.name
        if next_name not in outputs:
            raise ModelFileError(f"{path}: the state input {argument.name!r} has no output {next_name!r}")
        if argument.type not in ELEMENT_TYPES or not all(isinstance(size, int) for size in argument.shape):
            raise ModelFileError(
                f"{path}: the state {argument.name!r} is {argument.type} {argument.shape}, expected a known element "
                f"type and fixed sizes"
            )
        states.append(
            State(
                argument.name,
                next_name,
                tuple(argument.shape),
                ELEMENT_TYPES[argument.type],
                argument not in required,
            )
        )
    return tuple(states)


def read_neutone_layout(inference: onnxruntime.InferenceSession, path: Path, metadata: ModelMetadata) -> Layout:
    """The layout that neutone exports: audio, params, state.*, audio_out, next_state.*."""
    inputs = {argument.name: argument for argument in inference.get_inputs()}
    outputs = {argument.name: argument for argument in inference.get_outputs()}
    for name, found in (("audio", inputs), ("audio_out", outputs)):
        if name not in found:
            raise ModelFileError(f"{path}: there is no tensor {name!r} among {_shapes(found.values())}")
        argument = found[name]
        if argument.type != "tensor(float)" or len(argument.shape) != 2 or not isinstance(argument.shape[0], int):
            raise ModelFileError(f"{path}: {name} is {argument.type} {argument.shape}, expected float (channels, N)")
    declared = len(metadata.parameters)
    if "params" in inputs:
        rows = inputs["params"].shape[0]
        if rows != declared:
            raise ModelFileError(f"{path}: params has {rows} rows, but the metadata declares {declared} parameters")
    elif declared:
        raise ModelFileError(f"{path}: the metadata declares {declared} parameters, but there is no input 'params'")
    stray = [name for name in inputs if name not in ("audio", "params") and not name.startswith("state.")]
    if stray:
        raise ModelFileError(f"{path}: unknown input {stray[0]!r}, expected audio, params and state.*")
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
        (inputs["audio"].shape[0],),
        "audio_out",
        (outputs["audio_out"].shape[0],),
        "params" if "params" in inputs else None,
        _read_states(inference, path),
    )


def _plain_leading(argument: Any) -> tuple[int, ...] | None:
    """(C,) of (C, N), (1, C) of (1, C, N); None where it is not audio or the channel count is open."""
    shape = list(argument.shape)
    if argument.type != "tensor(float)" or len(shape) not in (2, 3):
        return None
    if len(shape) == 3:
        if isinstance(shape[0], int) and shape[0] != 1:
            return None
        shape[0] = 1  # a symbolic batch
    leading = tuple(shape[:-1])
    return leading if all(isinstance(size, int) and size > 0 for size in leading) else None


def read_plain_layout(
    inference: onnxruntime.InferenceSession, path: Path, sample_rate: int | None, block_size: int | None
) -> tuple[ModelMetadata, Layout]:
    """Any other file, where its shapes leave one reading only. It is run once on silence to see what comes out."""
    inputs = [a for a in inference.get_inputs() if not a.name.startswith("state.")]
    outputs = [a for a in inference.get_outputs() if not a.name.startswith("next_state.")]
    leading = _plain_leading(inputs[0]) if len(inputs) == 1 else None
    if leading is None or len(outputs) != 1:
        raise ModelFileError(
            f"{path} has no neutone metadata, and its shapes do not tell which tensor is audio: inputs "
            f"{_shapes(inputs)}; outputs {_shapes(outputs)}; expected one float input (C, N), (1, C, N) or (1, N) "
            f"and one such output"
        )
    frames = inputs[0].shape[-1]
    if isinstance(frames, int):
        if block_size not in (None, frames):
            raise ConfigurationError(f"{path.name} takes blocks of exactly {frames} frames, not {block_size}")
        block_size = frames
    states = _read_states(inference, path)
    probe = PROBE_FRAMES if block_size is None else block_size
    fed: dict[str, Any] = {inputs[0].name: np.zeros((*leading, probe), np.float32)}
    fed.update({s.input_name: np.zeros(s.shape, s.element_type) for s in states if not s.has_initializer})
    try:
        (out,) = inference.run([outputs[0].name], fed)
    except Exception as error:  # the runtime's own exception classes have no common root but this
        raise ModelFileError(f"{path} does not run on {probe} frames: {error}") from error
    if (
        out.dtype != np.float32
        or out.ndim not in (2, 3)
        or out.shape[-1] != probe
        or (out.ndim == 3 and out.shape[0] != 1)
    ):
        raise ModelFileError(
            f"{path} answers {probe} frames with {out.dtype} {out.shape}, expected float32 of as many frames"
        )
    layout = Layout(inputs[0].name, leading, outputs[0].name, tuple(out.shape[:-1]), None, states)
    metadata = ModelMetadata(
        model_name=path.stem[:30],
        native_sample_rates=[] if sample_rate is None else [sample_rate],
        native_buffer_sizes=[] if block_size is None else [block_size],
        is_input_mono=layout.input_channels == 1,
        is_output_mono=layout.output_channels == 1,
    )
    return metadata, layout
