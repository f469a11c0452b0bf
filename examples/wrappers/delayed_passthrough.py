"""A model that delays audio, and reports by how much. Hosts then delay everything else to match.

The delay line is a registered buffer; blocks may be shorter or longer than it.

python examples/wrappers/delayed_passthrough.py FOLDER
"""

import torch
from torch import Tensor

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import WaveformToWaveformBase

DELAY = 500  # frames at the model's rate, whatever that is


class DelayedPassthrough(WaveformToWaveformBase):
    """A stereo model for any rate and any block size."""

    metadata = ModelMetadata(
        model_name="Delayed pass-through",
        model_authors=["The neutone developers"],
        model_short_description="Changes nothing, and takes its time for it.",
        tags=["delay", "test"],
    )

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("line", torch.zeros(self.in_n_ch, DELAY))

    def calc_model_delay_samples(self) -> int:
        return self.line.size(1)

    def reset_model(self) -> bool:
        self.line = torch.zeros_like(self.line)
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        n = x.size(1)
        joined = torch.cat([self.line, x], dim=1)
        # Clone: a view would keep the whole tensor alive, and x is the host's memory.
        self.line = joined[:, n:].clone()
        return joined[:, :n]


def main() -> None:
    export_both(DelayedPassthrough())


if __name__ == "__main__":
    main()
