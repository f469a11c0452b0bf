"""A clipper whose parameters act on every sample, because ``aggregate_params`` returns them unchanged.

python examples/wrappers/clipper.py FOLDER
"""

import torch
from torch import Tensor

from export_both import export_both
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase


class Clipper(WaveformToWaveformBase):
    """A stereo model without state, for any rate and any block size."""

    metadata = ModelMetadata(
        model_name="Clipper",
        model_authors=["The neutone developers"],
        model_short_description="Cuts off what is too loud.",
        tags=["clipper", "distortion"],
    )
    neutone_parameters = (
        ContinuousNeutoneParameter("gain", "before the clipper, linear", 1.0, 0.0, 10.0),
        ContinuousNeutoneParameter("min clip", "nothing goes below", -0.5, -1.0, 0.0),
        ContinuousNeutoneParameter("max clip", "nothing goes above", 0.5, 0.0, 1.0),
    )

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return torch.minimum(torch.maximum(x * params["gain"], params["min clip"]), params["max clip"])


def main() -> None:
    export_both(Clipper())


if __name__ == "__main__":
    main()
