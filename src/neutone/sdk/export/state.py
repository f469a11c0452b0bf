"""Find what a model remembers from one block to the next."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from neutone.errors import ModelFileError


def _loose_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that are attributes of a module or its children, but neither buffers nor parameters."""
    for prefix, child in module.named_modules():
        for name, value in vars(child).items():
            items = value if isinstance(value, list | tuple) else [value]
            for index, item in enumerate(items):
                if isinstance(item, Tensor) and not isinstance(item, nn.Parameter):
                    place = f"{prefix}.{name}" if prefix else name
                    yield f"{place}[{index}]" if item is not value else place, item


Fingerprint = tuple[int, int, Tensor]


def _fingerprint(tensor: Tensor) -> Fingerprint:
    # PyTorch increases the version with every change in place. Tensors made in inference mode have no version.
    return id(tensor), -1 if tensor.is_inference() else tensor._version, tensor


def plain_tensors(module: nn.Module) -> dict[str, Fingerprint]:
    """Return the tensors that :func:`plain_state` compares."""
    return {name: _fingerprint(tensor) for name, tensor in _loose_tensors(module)}


def plain_state(module: nn.Module, before: dict[str, Fingerprint]) -> str:
    """Return a sentence about a tensor that has changed since `before` and is not a registered buffer; empty if there
    is none. Such state cannot be reset, and exporters may lose it."""
    for name, tensor in _loose_tensors(module):
        if name not in before or before[name][:2] != _fingerprint(tensor)[:2]:
            attribute = name.removeprefix("wrapper.")
            own_name = attribute.rpartition(".")[2].partition("[")[0]
            return (
                f"state is kept in the attribute {attribute!r}, which is a plain tensor: make it a buffer with "
                f"register_buffer({own_name!r}, ...), so that it is exported"
            )
    return ""


def find_state(module: nn.Module, run: Callable[[], object]) -> list[str]:
    """Return the names of the buffers that `run` replaces or changes in place. These are state; the other buffers are
    constants.

    Raises:
        neutone.errors.ModelFileError: `run` changes a tensor that is not a registered buffer. Exporters would freeze it
            at its first value.
    """
    buffers = {name: _fingerprint(tensor) for name, tensor in module.named_buffers()}
    before = plain_tensors(module)
    with torch.no_grad():
        run()
    if complaint := plain_state(module, before):
        raise ModelFileError(complaint)
    return [
        name
        for name, tensor in module.named_buffers()
        if name not in buffers or buffers[name][:2] != _fingerprint(tensor)[:2]
    ]
