"""A module and how to run it: what the two kinds of files have in common once they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neutone.model.metadata import ModelMetadata
from neutone_torch.runtime import copy_module

if TYPE_CHECKING:
    import torch

ANNOUNCE_BLOCK = ("set_sample_rate_and_buffer_size", "set_buffer_size")
"""The method that tells a model the block size: its names since version 1.2 of the SDK, and before."""
REPORT_DELAY = ("calc_model_delay_samples", "calc_min_delay_samples")
"""The method that reports the model's own delay in frames: its names since version 1.2 of the SDK, and before."""


@dataclass(frozen=True)
class Program:
    """Knows how to prepare a module and how to restart it.
    The module held here is never run: each session runs a copy."""

    module: torch.jit.ScriptModule
    metadata: ModelMetadata
    input_leading: tuple[int, ...]
    """The axes before time: (C_in,), or (1, C_in) for a module with a batch axis."""
    output_leading: tuple[int, ...]
    parameter_rows: tuple[int, ...] | None
    """The row of each declared parameter among those that hosts send; None if the module takes audio only."""

    @property
    def is_wrapped(self) -> bool:
        """Whether it is the model of a ``.nm`` file, which takes params, is told the rate and block size, and keeps its
        look-behind itself."""
        return self.parameter_rows is not None

    def open(self, sample_rate: int, block_size: int) -> torch.jit.ScriptModule:
        """Return a copy of the module in its initial state, prepared for a sample rate (Hz) and a largest block
        (frames)."""
        module: Any = copy_module(self.module)
        if self.is_wrapped:
            # The result says whether the model adapted anything, not whether it can run.
            if hasattr(module, ANNOUNCE_BLOCK[0]):
                module.set_sample_rate_and_buffer_size(sample_rate, block_size)
            else:
                module.set_buffer_size(block_size)
        self.restart(module)
        return module  # type: ignore[no-any-return]

    def delay(self, module: Any) -> int:
        """Return the delay that a copy reports, in frames at the rate it was opened for."""
        for name in REPORT_DELAY:
            if hasattr(module, name):
                return int(getattr(module, name)())
        return 0

    def restart(self, module: Any) -> bool:
        """Let the module reset itself. Returns False if it cannot, so that only a new copy is in the initial state."""
        if not has_plain_reset(module):
            return False
        # By convention, a wrapped model returns False if its author defined no reset of its state.
        return module.reset() is not False


def has_plain_reset(module: Any) -> bool:
    """Return whether the module exports a method reset() that can be called without arguments."""
    schema = getattr(getattr(module, "reset", None), "schema", None)
    return schema is not None and all(a.has_default_value() for a in schema.arguments[1:])
