"""The attributes of a TorchScript module that a computation uses: weights, state and settings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neutone.errors import ModelFileError


@dataclass(frozen=True)
class ScriptPart:
    """A module inside a TorchScript module, and the path that leads to it."""

    path: str
    handle: Any

    def child(self, name: str) -> str:
        """Return the path of one of the module's attributes."""
        return f"{self.path}.{name}" if self.path else name


def map_leaves(value: Any, path: str, change: Callable[[str, Any], Any]) -> Any:
    """Return the value with every leaf replaced by ``change(path, leaf)``. Leaves are what is not a list, tuple or
    dictionary.

    >>> map_leaves({"a": [1, 2]}, "x", lambda path, leaf: f"{path}={leaf}")
    {'a': ['x.a.0=1', 'x.a.1=2']}
    """
    if isinstance(value, dict):
        return {key: map_leaves(item, f"{path}.{key}", change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map_leaves(item, f"{path}.{index}", change) for index, item in enumerate(value))
    return change(path, value)


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every leaf in the value with its path. Leaves are what is not a list, tuple or dictionary."""
    found: list[tuple[str, Any]] = []
    map_leaves(value, path, lambda place, leaf: found.append((place, leaf)))
    return iter(found)


def _copied(path: str, leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, Tensor) else leaf


def _zeros(leaf: Any) -> Any:
    return torch.zeros_like(leaf) if isinstance(leaf, Tensor) else leaf


def _follows(leaf: Any, now: Any) -> bool:
    if isinstance(leaf, Tensor) and isinstance(now, Tensor):
        return leaf.shape == now.shape
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        return True  # a number that changes is refused later
    return not isinstance(leaf, Tensor) and not isinstance(now, Tensor) and bool(leaf == now)


class ScriptAttributes:
    """The attributes' values by path. They are read from the module and copied on first use, so the module is not
    modified.

    An attribute that a block writes before it reads it carries nothing from one block to the next. :meth:`begin_block`
    forgets it.
    """

    def __init__(self, root: Any) -> None:
        self.root = ScriptPart("", root)
        self.values: dict[str, Any] = {}
        self.initial: dict[str, Any] = {}
        """The values, before the first block, of all attributes that a block has read; by path."""
        self._prints: dict[str, tuple[int, int, Tensor]] = {}
        self._memory: dict[str, int] = {}
        """Where the module keeps the numbers of each tensor; by path."""

    def begin_block(self) -> None:
        """Prepare for a block. Call this before each one."""
        self.values = {path: value for path, value in self.values.items() if path in self.initial}

    def get(self, part: ScriptPart, name: str) -> Any:
        """Return the value of an attribute. A module is returned as a :class:`ScriptPart`."""
        path = part.child(name)
        if path not in self.values:
            value = part.handle.getattr(name)
            if isinstance(value, torch._C.ScriptModule):
                return ScriptPart(path, value)
            if isinstance(value, torch.ScriptObject):
                raise ModelFileError(f"the attribute {path!r} is an object of a class, which has no counterpart")
            for place, leaf in leaves(value, path):
                if isinstance(leaf, Tensor) and leaf.layout is torch.strided and leaf.numel():
                    self._memory[place] = leaf.untyped_storage().data_ptr()
            self.add(path, value)
        return self.values[path]

    def add(self, path: str, value: Any) -> None:
        """Add an attribute that the module does not have, or override its value."""
        self.initial[path] = map_leaves(value, path, _copied)
        self.values[path] = map_leaves(value, path, _copied)
        for place, leaf in leaves(self.values[path], path):
            if isinstance(leaf, Tensor):
                self._prints[place] = (id(leaf), leaf._version, leaf)

    def set(self, part: ScriptPart, name: str, value: Any) -> None:
        """Assign a value to an attribute."""
        self.values[part.child(name)] = value

    def settle(self) -> None:
        """Take what the first block has set up as given. State that did not exist before it, or had another shape,
        begins as zeros, as in recurrent layers that are given none; flags such as ``is_set`` keep their new value.
        Whether the model really begins so shows when it is compared with the result."""
        settled = [path for path, value in self.initial.items() if not self._alike(path, value)]
        if settled:  # so what the block wrote without reading it may be read from now on
            settled += [path for path in self.values if path not in self.initial and self._holds_tensors(path)]
        for path in settled:
            self.add(path, map_leaves(self.values[path], path, lambda place, leaf: _zeros(leaf)))

    def _alike(self, path: str, value: Any) -> bool:
        """Return whether the value of an attribute may be followed by its present one from one block to the next."""
        before, after = dict(leaves(value, path)), dict(leaves(self.values[path], path))
        if isinstance(value, dict):
            return True
        return before.keys() == after.keys() and all(_follows(leaf, after[place]) for place, leaf in before.items())

    def _holds_tensors(self, path: str) -> bool:
        return any(isinstance(leaf, Tensor) for _, leaf in leaves(self.values[path], path))

    def find_state(self) -> list[str]:
        """Return the paths of the tensors that blocks have replaced or changed in place.

        Raises:
            neutone.errors.ModelFileError: Something else has changed: a number, a text or the length of a list.
        """
        state = []
        for path, value in self.initial.items():
            before, after = dict(leaves(value, path)), dict(leaves(self.values[path], path))
            if isinstance(value, dict):
                # What a block adds to a dictionary was written before it was read, so it is not state.
                after = {place: leaf for place, leaf in after.items() if place in before}
            if [(place, isinstance(leaf, Tensor)) for place, leaf in before.items()] != [
                (place, isinstance(leaf, Tensor)) for place, leaf in after.items()
            ]:
                raise ModelFileError(
                    f"the attribute {path!r} does not hold the same after a block as before it "
                    f"({_describe(value)}, then {_describe(self.values[path])}), but only tensors can be state"
                )
            for place, leaf in after.items():
                if not isinstance(leaf, Tensor):
                    if leaf != before[place]:
                        raise ModelFileError(
                            f"the attribute {place!r} changes from block to block ({before[place]!r}, then {leaf!r}), "
                            f"but only tensors can be state"
                        )
                elif (id(leaf), leaf._version) != self._prints[place][:2]:
                    state.append(place)
        self._refuse_shared(state)
        return state

    def _refuse_shared(self, state: list[str]) -> None:
        """Raise if a tensor in the state has two names.
        Each attribute is copied by itself, so it would become two tensors."""
        for place in state:
            memory = self._memory.get(place)
            others = [other for other, its in self._memory.items() if its == memory and other != place]
            if memory is not None and others:
                raise ModelFileError(
                    f"the attributes {place!r} and {others[0]!r} are the same tensor, which blocks change, but an ONNX "
                    f"graph would keep two"
                )


def _describe(value: Any) -> str:
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return "a tensor" if isinstance(value, Tensor) else repr(value)
