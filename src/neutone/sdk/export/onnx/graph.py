"""The graph of an ONNX file: a wrapped model as a function of its audio, parameters and state."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neutone.errors import MissingExtraError, ModelFileError
from neutone.installing import install_command
from neutone.model.metadata import ModelMetadata
from neutone.sdk.export.onnx.recurrent import recurrent_layers_as_nodes
from neutone.sdk.export.state import find_state
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

OPSET = 20
NOISY_LOGGERS = ("torch.onnx", "torch.export", "torch.fx.experimental.symbolic_shapes", "onnxscript", "onnx_ir")
TRIAL_BLOCKS = 3


class ExporterError(ModelFileError):
    """An error of PyTorch's exporter, in its own words."""


class Body(nn.Module):
    """The model as neutone's stream calls it:
    with look-behind before the audio, and with the declared parameters only."""

    def __init__(self, wrapper: Any, rows: list[int], look_behind: int) -> None:
        super().__init__()
        self.wrapper = wrapper
        self.rows = rows
        self.look_behind = look_behind

    def forward(self, audio: Tensor, params: Tensor | None) -> Tensor:
        count = len(self.rows)
        if params is not None and self.rows == list(range(count)):
            units = nn.functional.pad(params, (0, 0, 0, self.wrapper.max_parameters - count))  # one node
        else:
            units = torch.cat([self._row(row, audio, params) for row in range(self.wrapper.max_parameters)], dim=0)
        y: Tensor = self.wrapper.process_window(audio, units)
        return y

    def _row(self, row: int, audio: Tensor, params: Tensor | None) -> Tensor:
        """Return the parameter in a row, or zeros for an unused row, which hosts leave at 0."""
        if params is not None and row in self.rows:
            index = self.rows.index(row)
            return params[index : index + 1]
        return torch.zeros_like(audio[:1, self.look_behind :])


class Stateless(nn.Module):
    """A model as a function of its state. It returns the audio, then each state tensor after the block."""

    def __init__(self, body: Body, names: list[str]) -> None:
        super().__init__()
        self.names = names
        self._bodies = [body]
        self._constant_names: list[str] = []
        if any(isinstance(module, torch.jit.ScriptModule) for module in body.modules()):
            # The exporter does not recognise what compiled modules hold as parameters. So it gets copies, and the
            # modules are hidden in the list.
            constants = {name: t for name, t in [*body.named_parameters(), *body.named_buffers()] if name not in names}
            self._constant_names = list(constants)
            self.constants = nn.ParameterList(
                nn.Parameter(tensor.detach().clone(), requires_grad=False) for tensor in constants.values()
            )
        else:
            self.body = body

    def forward(self, audio: Tensor, params: Tensor | None, state: list[Tensor]) -> tuple[Tensor, ...]:
        tensors = dict(zip(self.names, state, strict=True))
        if self._constant_names:
            tensors.update(zip(self._constant_names, self.constants, strict=True))
        # functional_call keeps what the model assigned in the dictionary, even if the model replaced a buffer.
        y = torch.func.functional_call(self._bodies[0], tensors, (audio, params))
        return (y, *(tensors[name] for name in self.names))


class StreamFunction:
    """A model as a function of its audio, parameters and state, ready to be written as ONNX.

    Args:
        name: The name of the model, for messages.
        metadata: The metadata of the file. :meth:`to_proto` sets its block sizes and delay.
        frames: The block size in frames that the model was prepared for.
        delay: The number of frames by which the output lags the input.
    """

    def __init__(self, name: str, metadata: ModelMetadata, frames: int, delay: int) -> None:
        self.name = name
        self.metadata = metadata
        self.frames = frames
        self.delay = delay
        self.channels = (1 if metadata.is_input_mono else 2, 1 if metadata.is_output_mono else 2)
        self.rows = len(metadata.parameters)
        self.look_behind = metadata.look_behind_samples
        self.states: list[str] = []
        """The names of the state tensors in the model."""
        self.initial: list[Tensor] = []
        """The values of the state tensors before the first block."""
        self.function: nn.Module
        """A module that maps (audio, params, state) to (audio, state after the block, ...)."""

    def example(self) -> tuple[Tensor, Tensor | None]:
        """Return a block of noise, and parameters for it."""
        noise = torch.Generator().manual_seed(0)  # leave the caller's random state as it is
        audio = torch.rand(self.channels[0], self.look_behind + self.frames, generator=noise) - 0.5
        return audio, torch.rand(self.rows, self.frames, generator=noise) if self.rows else None

    def state_name(self, index: int) -> str:
        """Return the name of the input for a state tensor: ``state.`` and the buffer's own path."""
        return "state." + self.states[index].removeprefix("wrapper.")

    def to_proto(self, *, keep_open: bool) -> Any:
        """Return the ONNX model, for any number of frames if `keep_open`.
        Raises :class:`~neutone.errors.ModelFileError`."""
        audio, params = self.example()
        shapes: dict[str, Any] | None = None
        if keep_open:
            frames = torch.export.Dim("frames", min=2, max=65_536)
            window = frames + self.look_behind if self.look_behind else frames
            shapes = {
                "audio": {1: window},
                "params": None if params is None else {1: frames},
                "state": [{} for _ in self.states],  # None would be taken for an axis of a single input
            }
        inputs = ["audio", *(["params"] if self.rows else []), *map(self.state_name, range(len(self.states)))]
        outputs = ["audio_out", *("next_" + self.state_name(index) for index in range(len(self.states)))]
        try:
            with recurrent_layers_as_nodes(), _quiet():
                program = torch.onnx.export(
                    self.function.eval(),
                    (audio, params, list(self.initial)),
                    input_names=inputs,
                    output_names=outputs,
                    dynamic_shapes=shapes,
                    opset_version=OPSET,
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )
        except ModelFileError:
            raise
        except Exception as error:  # the exporter's own classes, and whatever the model raises
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, ModelFileError):  # the outermost says where it happened
                    raise cause from None
                cause = cause.__cause__
            raise ExporterError(f"{self.name} cannot be exported to ONNX: {_reason(error)}") from error
        assert program is not None
        proto = program.model_proto
        if keep_open and proto.graph.input[0].type.tensor_type.shape.dim[1].HasField("dim_value"):
            raise ModelFileError(
                f"{self.name} cannot be exported to ONNX for any block size: what it computes depends on the number of "
                f"frames as a Python number (int(x.size(1)), a loop over frames); avoid that, or let "
                f"get_native_buffer_sizes() return a single size"
            )
        _remove_traces(proto.graph)
        _widen_indices(proto.graph)
        self._add_initial_state(proto)
        self._add_metadata(proto, keep_open)
        return proto

    def _add_initial_state(self, proto: Any) -> None:
        onnx = require_exporter()
        for index, tensor in enumerate(self.initial):
            array = tensor.cpu().numpy()
            proto.graph.initializer.append(onnx.numpy_helper.from_array(array, self.state_name(index)))

    def _add_metadata(self, proto: Any, keep_open: bool) -> None:
        sizes = self.metadata.native_buffer_sizes if keep_open else [self.frames]
        metadata = self.metadata.model_copy(update={"native_buffer_sizes": sizes, "model_delay_samples": self.delay})
        for entry in list(proto.metadata_props):
            proto.metadata_props.remove(entry)
        proto.metadata_props.add(key="neutone", value=json.dumps(metadata.to_json_dict()))
        proto.producer_name = "neutone"


class OnnxGraph(StreamFunction):
    """A wrapper that is ready to be exported at a sample rate (Hz) and a block size (frames).

    It processes audio to find its state, so `wrapper` must not be used afterwards.
    """

    def __init__(self, wrapper: WaveformToWaveformBase, rate: int, frames: int) -> None:
        metadata = metadata_at(wrapper, rate, frames)
        with torch.no_grad():
            wrapper.reset()
        super().__init__(type(wrapper).__name__, metadata, frames, int(wrapper.calc_model_delay_samples()))
        body = Body(wrapper, self.metadata.parameter_rows, self.look_behind)
        initial = {name: tensor.detach().clone() for name, tensor in body.named_buffers()}
        self.states = find_state(body, lambda: [body(*self.example()) for _ in range(TRIAL_BLOCKS)])
        self.initial = [initial[name] for name in self.states]
        self.function = Stateless(body, self.states)


def metadata_at(wrapper: WaveformToWaveformBase, rate: int, frames: int) -> ModelMetadata:
    """Prepare a wrapper for a sample rate (Hz) and a block size (frames), and return the metadata of its graph."""
    wrapper.prepare_for_inference()
    metadata = ModelMetadata(**wrapper.to_metadata())
    with torch.no_grad():
        if wrapper.set_sample_rate_and_buffer_size(rate, frames):
            # The wrapper adapts to the rate. The graph cannot: it is the model at this rate.
            metadata = metadata.model_copy(update={"native_sample_rates": [rate]})
    return metadata


def require_exporter() -> Any:
    """Return the module onnx, or raise an error that says what to install."""
    try:
        import onnx
        import onnx.numpy_helper
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"exporting to ONNX needs onnx and onnxscript, which are missing: {install_command('neutone[export]')}"
        ) from error
    return onnx


def _remove_traces(graph: Any) -> None:
    """Remove the exporter's notes of where each node comes from, which include paths on the author's disk."""
    for item in [*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph]:
        del item.metadata_props[:]
        item.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _remove_traces(attribute.g)


def _widen_indices(graph: Any) -> None:
    """Cast the indices of ScatterND to int64, the only type it takes. PyTorch's exporter gives it int32 for the overlap
    of an inverse STFT."""
    onnx = require_exporter()
    for position, node in reversed(list(enumerate(graph.node))):
        if node.op_type == "ScatterND":
            wide = f"{node.output[0]}_indices"
            cast = onnx.helper.make_node("Cast", [node.input[1]], [wide], to=onnx.TensorProto.INT64)
            node.input[1] = wide
            graph.node.insert(position, cast)


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _reason(error: BaseException) -> str:
    """Return the innermost cause as one line; the exporter wraps it in pages of text."""
    error = _innermost(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("The error above", "from user code", "Set TORCH", "#"))]
    return f"{type(error).__name__}: {' '.join(useful[:3])[:600]}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which prints its progress and warns about its own future. Errors are still raised."""
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
