"""``neutone bench``: the speed and the latency of a model on this computer, in common hosts."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from neutone.cli.options import BackendName, JsonFlag, LoadOptions, ModelName, TrustFlag, open_model
from neutone.cli.terminal import output, print_json, progress_bar

SAMPLE_RATES = (44_100, 48_000, 96_000)
BLOCK_SIZES = (64, 128, 256, 512, 1024, 2048)

CAPTION = (
    "RTF = compute time / audio time: below 1 keeps up. 99 % of the blocks took no longer than the column says; "
    "red drops out."
)


def bench(
    model_name: ModelName,
    seconds: Annotated[
        float, typer.Option(min=0.01, max=600.0, help="How many seconds to measure each of the 18 settings.")
    ] = 0.5,
    backend: BackendName = None,
    options: LoadOptions = None,
    trust: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Time a model in blocks, as a host would call it, at 44.1, 48 and 96 kHz."""
    from neutone._core import kernels_name
    from neutone.checks.timing import test_noise, time_blocks
    from neutone.cli.tables import timing_table

    model = open_model(model_name, backend, options, trust)
    channels = model.input_channels
    rows = []
    with progress_bar() as progress:
        task = progress.add_task("measuring", total=len(SAMPLE_RATES) * len(BLOCK_SIZES))
        for sample_rate in SAMPLE_RATES:
            noise = test_noise(channels, sample_rate)
            for block_size in BLOCK_SIZES:
                rows.append(time_blocks(model, noise, sample_rate, block_size, seconds))
                progress.advance(task)
    if as_json:
        print_json(
            {
                "model": model.metadata.model_name,
                "channels": channels,
                "seconds_each": seconds,
                "machine": platform.machine(),
                "python": platform.python_version(),
                "kernels": kernels_name(),
                "results": [row.to_json_dict() for row in rows],
            }
        )
        return
    title = f"{model.metadata.model_name}: {_count(channels)}, {seconds:g} s of noise for each line"
    output().print(timing_table(rows, title=title, caption=CAPTION))


def _count(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
