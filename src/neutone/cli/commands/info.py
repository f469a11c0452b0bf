"""``neutone info``: show what a model file says about its model, and the model's latency in common hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neutone.cli.options import BackendName, JsonFlag, LoadOptions, ModelName, inspect_model
from neutone.cli.terminal import cell, new_table, output, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from neutone.checks.timing import HostLatency
    from neutone.model.parameters import NumericalNeutoneParameter
    from neutone.plugins import ModelSummary

SAMPLE_RATES = (44_100, 48_000, 96_000)
BLOCK_SIZES = (64, 128, 256, 512, 1024)
UNKNOWN = "not in the file: it is known when the model runs (neutone bench)"


def info(
    model_name: ModelName,
    backend: BackendName = None,
    options: LoadOptions = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a model's description, parameters, rates and blocks, and its latency in common hosts.

    It shows what the file says about its model, and runs none of its code.
    """
    from neutone.checks.timing import latency_at

    model, backend_name = inspect_model(model_name, backend, options)
    latencies = [latency_at(model, rate, block) for rate in SAMPLE_RATES for block in BLOCK_SIZES]
    if as_json:
        print_json(_document(model, model_name, backend_name, latencies))
    else:
        _print(model, model_name, backend_name, latencies)


def _document(model: ModelSummary, file: str, backend: str, latencies: list[HostLatency]) -> dict[str, Any]:
    metadata = model.metadata.to_json_dict()
    metadata.pop("sample_sound_files", None)  # megabytes of MP3 in base64
    return {
        "file": file,
        "backend": backend,
        "input_channels": model.input_channels,
        "output_channels": model.output_channels,
        "model_delay": model.model_delay,
        "parameters": [_parameter_document(parameter) for parameter in model.metadata.parameters],
        "latency": [row.to_json_dict() for row in latencies],
        "metadata": metadata,
    }


def _parameter_document(parameter: NumericalNeutoneParameter) -> dict[str, Any]:
    return {**parameter.model_dump(mode="json"), "default": parameter.from_unit(parameter.default_unit)}


def _print(model: ModelSummary, file: str, backend: str, latencies: list[HostLatency]) -> None:
    from neutone.cli.tables import latency_table

    console = output()
    console.print(_description(model, file, backend))
    console.print()
    if model.metadata.parameters:
        console.print(_parameter_table(model.metadata.parameters))
    console.print(
        latency_table(
            latencies, title="Latency by host", caption="In frames of the host; resampling with the 32-tap sinc."
        )
    )


def _description(model: ModelSummary, file: str, backend: str) -> Table:
    from rich.table import Table

    metadata = model.metadata
    authors = f" by {', '.join(metadata.model_authors)}" if metadata.model_authors else ""
    experimental = " (experimental)" if metadata.is_experimental else ""
    lines = {
        "model": f"{metadata.model_name} {metadata.model_version}{experimental}{authors}",
        "file": f"{file} ({backend})",
        "about": metadata.model_short_description,
        "details": metadata.model_long_description,
        "technical": metadata.technical_description,
        "links": ", ".join(f"{name}: {link}" for name, link in metadata.technical_links.items()),
        "tags": ", ".join(metadata.tags),
        "citation": metadata.citation,
        "channels": _channels(model),
        "sample rates": _listed(metadata.native_sample_rates, "Hz"),
        "block sizes": _listed(metadata.native_buffer_sizes, "frames"),
        "look-behind": f"{metadata.look_behind_samples} frames",
        "model delay": UNKNOWN if model.model_delay is None else f"{model.model_delay} frames at the model's rate",
        "mix": f"wet {metadata.wet_default_value:g}, dry {metadata.dry_default_value:g}",
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines.items():
        if text:
            table.add_row(label, cell(text))
    return table


def _channels(model: ModelSummary) -> str:
    if model.input_channels is None:
        return UNKNOWN
    out = "unknown" if model.output_channels is None else str(model.output_channels)
    kind = "" if model.output_channels is None else f" ({model.metadata.model_type})"
    return f"{model.input_channels} in, {out} out{kind}"


def _listed(numbers: list[int], unit: str) -> str:
    return f"{', '.join(map(str, numbers))} {unit}" if numbers else "any"


def _parameter_table(parameters: list[NumericalNeutoneParameter]) -> Table:
    table = new_table(title="Parameters")
    for heading in ("name", "values", "default", "description"):
        table.add_column(heading, overflow="fold")
    for parameter in parameters:
        default = parameter.from_unit(parameter.default_unit)
        default_text = default if isinstance(default, str) else f"{default:g}"
        texts = (parameter.name, _values(parameter), default_text, parameter.description)
        table.add_row(*(cell(text) for text in texts))
    return table


def _values(parameter: NumericalNeutoneParameter) -> str:
    from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter

    if isinstance(parameter, ContinuousNeutoneParameter):
        return f"{parameter.min_value:g} to {parameter.max_value:g}"
    if isinstance(parameter, CategoricalNeutoneParameter):
        return ", ".join(parameter.choices)
    return "0 to 1"
