"""A module and how to call it: what the two kinds of files have in common once they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neutone.model.metadata import ModelMetadata
from neutone_torch.runtime import copy_module

if TYPE_CHECKING:
    import torch

"""rows of the params tensor that a ``.nm`` file's model takes, whatever it declares"""


@dataclass(frozen=True)
class Program:
    """How to make a module ready and start it over. The module held here is never run: each session runs a copy."""

    module: torch.jit.ScriptModule
    metadata: ModelMetadata
    input_leading: tuple[int, ...]
    """(C_in,), or (1, C_in) for a module that wants a batch axis"""
    output_leading: tuple[int, ...]
    parameter_rows: tuple[int, ...] | None
    """for each declared parameter its row among those that hosts send; None: the module takes audio only"""

    @property
    def is_wrapped(self) -> bool:
        """Whether it is the model of a ``.nm`` file: it takes params, is told the rate and block size, and keeps its
        look-behind by itself."""
        return self.parameter_rows is not None

    def open(self, sample_rate: int, block_size: int) -> torch.jit.ScriptModule:
        """A copy of the module as it is before the first block, for a rate (Hz) and a largest block (frames)."""
        module: Any = copy_module(self.module)
        if self.is_wrapped:
            # The answer tells whether the model did anything of its own, not whether it can run.
            module.set_sample_rate_and_buffer_size(sample_rate, block_size)
        self.restart(module)
        return module  # type: ignore[no-any-return]

    def delay(self, module: Any) -> int:
        """Frames at the rate it was opened for by which a copy's output is late, as it says itself."""
        return int(module.calc_model_delay_samples()) if hasattr(module, "calc_model_delay_samples") else 0

    def restart(self, module: Any) -> bool:
        """Have the module reset itself. False: it cannot, and only a new copy is back at the start."""
        if not has_plain_reset(module):
            return False
        # By convention a wrapped model answers False where its author wrote no reset of its state.
        return module.reset() is not False


def has_plain_reset(module: Any) -> bool:
    """Whether the module exports a method reset() that can be called with no arguments."""
    schema = getattr(getattr(module, "reset", None), "schema", None)
    return schema is not None and all(a.has_default_value() for a in schema.arguments[1:])
