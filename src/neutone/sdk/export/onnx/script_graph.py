"""The model in a ``.nm`` file as a function of its audio, parameters and state."""

from typing import Any

import torch
from torch import Tensor, nn

from neutone.errors import ModelFileError
from neutone.limits import HOST_PARAMETERS
from neutone.model.metadata import ModelMetadata
from neutone.sdk.export.onnx.graph import TRIAL_BLOCKS, Body, StreamFunction, require_exporter
from neutone.sdk.export.onnx.script_attributes import ScriptAttributes, leaves, map_leaves
from neutone.sdk.export.onnx.script_interpreter import ScriptInterpreter

PAST_PARAMS = "past_params"
"""The path of the parameters' look-behind, if the model itself keeps it in a queue."""


class Window(nn.Module):
    """The model for a caller that keeps the look-behind of the audio. (:class:`Body` calls it ``wrapper``.)

    Models of this package have a method for that. Other models queue the audio before their ``do_forward_pass``, in a
    ring buffer whose position is a number and so cannot be state. Their parts are put together here without the queue.
    """

    def __init__(self, interpreter: ScriptInterpreter, metadata: ModelMetadata) -> None:
        super().__init__()
        self.max_parameters = max(HOST_PARAMETERS, len(metadata.parameters))
        self._interpreter = interpreter
        self._names = [parameter.name for parameter in metadata.parameters]
        self._look_behind = metadata.look_behind_samples
        if interpreter.has_method("process_window"):
            self._method = "process_window"
        elif not self._look_behind:
            self._method = "forward"
        elif interpreter.has_method("aggregate_params") and interpreter.has_method("do_forward_pass"):
            self._method = "do_forward_pass"
            defaults = _default_params(interpreter)
            interpreter.attributes.add(PAST_PARAMS, defaults.repeat(1, self._look_behind))
        else:
            raise ModelFileError(
                "the model keeps its look-behind in a way that cannot be converted: it has neither process_window() "
                "nor aggregate_params() and do_forward_pass()"
            )

    def process_window(self, window: Tensor, units: Tensor) -> Any:
        """Process audio with its look-behind, (C_in, N_LB + N), and parameters, (4, N).
        Returns audio of shape (C_out, N)."""
        self._interpreter.mark([window, units])
        if self._method != "do_forward_pass":
            return self._interpreter.call(self._method, window, units)
        attributes = self._interpreter.attributes
        whole = torch.cat([attributes.values[PAST_PARAMS], units], dim=1)
        attributes.values[PAST_PARAMS] = whole[:, whole.shape[1] - self._look_behind :].clone()
        rows = self._interpreter.call("aggregate_params", whole)
        names = attributes.root.handle.getattr("neutone_parameter_names") if self._names else []
        y = self._interpreter.call("do_forward_pass", window, {name: rows[row] for row, name in enumerate(names)})
        # Such models may also return the look-behind; the newest frames are the block.
        return y[..., y.shape[-1] - units.shape[1] :]


def _default_params(interpreter: ScriptInterpreter) -> Tensor:
    """Return the defaults of the parameters, of shape (4, 1) in 0..1."""
    for name in ("get_default_param_values", "get_numerical_params_default_values_0to1"):
        if interpreter.has_method(name):
            defaults: Tensor = interpreter.call(name).detach().reshape(-1, 1)
            return defaults
    raise ModelFileError("the model does not tell the default values of its parameters")


class Stateless(nn.Module):
    """The module that the exporter follows: weights are its buffers, and state goes in and comes out."""

    def __init__(self, body: Body, interpreter: ScriptInterpreter, states: list[str]) -> None:
        super().__init__()
        self.body = body
        self._interpreter = interpreter
        self._states = states
        self._initial = dict(interpreter.attributes.initial)
        self._constants = dict(interpreter.constants)
        self._buffer_of: dict[str, str] = {}
        for path, value in self._initial.items():
            for place, leaf in leaves(value, path):
                if isinstance(leaf, Tensor) and place not in states:
                    self._keep(place, leaf)
        for name, tensor in self._constants.items():
            self._keep(name, tensor)

    def _keep(self, place: str, tensor: Tensor) -> None:
        self._buffer_of[place] = f"{place.replace('.', '_')}_{len(self._buffer_of)}"
        self.register_buffer(self._buffer_of[place], tensor)

    def forward(self, audio: Tensor, params: Tensor | None, state: list[Tensor]) -> tuple[Tensor, ...]:
        # Clone: the model may change its input and its state in place, and exporters do not allow inputs to change.
        given = {place: tensor.clone() for place, tensor in zip(self._states, state, strict=True)}

        def current(place: str, leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            return given[place] if place in given else getattr(self, self._buffer_of[place])

        attributes = self._interpreter.attributes
        attributes.values = {path: map_leaves(value, path, current) for path, value in self._initial.items()}
        self._interpreter.constants = {name: getattr(self, self._buffer_of[name]) for name in self._constants}
        self._interpreter.trace()
        y = self.body(audio.clone(), None if params is None else params.clone())
        after = {place: leaf for path in self._initial for place, leaf in leaves(attributes.values[path], path)}
        return (y, *(after[place].clone() for place in self._states))


class ScriptGraph(StreamFunction):
    """A TorchScript model that is ready to be written as ONNX.

    Args:
        module: The attribute ``w2w_base`` of the module in a ``.nm`` file. It must not be used afterwards.
        metadata: The metadata of the file.
        rate: The sample rate in Hz.
        frames: The block size in frames.

    Raises:
        neutone.errors.ModelFileError: The model cannot be followed, or keeps state that is not a tensor.
    """

    def __init__(self, module: Any, metadata: ModelMetadata, rate: int, frames: int) -> None:
        with torch.no_grad():
            module.set_sample_rate_and_buffer_size(rate, frames)
            module.reset()
            delay = int(module.calc_model_delay_samples()) if hasattr(module, "calc_model_delay_samples") else 0
        super().__init__(metadata.model_name, metadata, frames, delay)
        self.attributes = ScriptAttributes(module._c)
        interpreter = ScriptInterpreter(self.attributes)
        body = Body(Window(interpreter, metadata), metadata.parameter_rows, self.look_behind)
        with torch.no_grad():
            for block in range(TRIAL_BLOCKS):
                # Everything but the weights may change, but which tensors are weights is not known yet. So at first,
                # all that a block has written counts as changing.
                audio, params = self.example()
                interpreter.watch([audio, params, self._written()])
                y = body(audio, params)
                if not isinstance(y, Tensor) or tuple(y.shape) != (self.channels[1], frames):
                    found = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
                    raise ModelFileError(f"the model returns {found}, expected {(self.channels[1], frames)}")
                if block == 0:
                    self.attributes.settle()
        self.states = self.attributes.find_state()
        first = {place: leaf for path, value in self.attributes.initial.items() for place, leaf in leaves(value, path)}
        self.initial = [first[place] for place in self.states]
        self.function = Stateless(body, interpreter, self.states)

    def _written(self) -> list[Tensor]:
        values = self.attributes.values
        changed = set(self.attributes.find_state())
        return [leaf for path in self.attributes.initial for p, leaf in leaves(values[path], path) if p in changed]

    def to_proto(self, *, keep_open: bool) -> Any:
        proto = super().to_proto(keep_open=keep_open)
        self._remove_unread_state(proto)
        return proto

    def _remove_unread_state(self, proto: Any) -> None:
        """Remove state that does not influence the audio:
        a block writes it before it reads it, or only passes it on."""
        graph = proto.graph
        names = {self.state_name(index): index for index in range(len(self.states))}
        needed = _needed(graph, {"audio_out"})
        while True:
            outputs = {"audio_out", *("next_" + name for name in names if name in needed)}
            found = _needed(graph, outputs)
            if found == needed:
                break
            needed = found
        live = [index for name, index in names.items() if name in needed]
        for entries in (graph.initializer, graph.node, graph.input, graph.output):
            for entry in list(entries):
                produced = set(entry.output) if entries is graph.node else {entry.name}
                if entries is graph.input and not entry.name.startswith("state."):
                    continue
                if needed.isdisjoint(produced):
                    entries.remove(entry)
        self.states, self.initial = [self.states[index] for index in live], [self.initial[index] for index in live]
        require_exporter().checker.check_model(proto)


def _needed(graph: Any, outputs: set[str]) -> set[str]:
    """Return these names, and those of everything that they are computed from."""
    needed = set(outputs)
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed |= _inputs(node)
    return needed


def _inputs(node: Any) -> set[str]:
    names = set(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            names |= {name for inner in graph.node for name in _inputs(inner)}
    return names
