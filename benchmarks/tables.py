"""The tables of measurements in the documentation, made from benchmarks/results.

    python benchmarks/tables.py            # print all of them, each below its marker
    python benchmarks/tables.py --write    # put them into the documents

In a document a table stands below the line ``<!-- benchmarks/tables.py: NAME -->`` and ends at the first blank line. To
publish a new measurement: run the benchmark with ``--json benchmarks/results/NAME.json``, then this with ``--write``.
Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCUMENTS = [HERE.parent / name for name in ("README.md", "docs/benchmarks.md", "docs/sdk.md")]
MARKER = "<!-- benchmarks/tables.py: {} -->"
MARKED = re.compile(re.escape(MARKER).replace(r"\{\}", r"([\w-]+)") + r"\n(?:\|.*\n)*")


def results(name: str) -> Any:
    return json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))["results"]


def table(titles: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown. Every column but the first is aligned to the right."""
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def two_digits(number: float) -> str:
    """Return a number with about two digits: 2.55 becomes 2.5, 29.6 becomes 30, 185.1 becomes 185."""
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"


def summary() -> str:
    """Return the README's table: times for three block sizes, and the quality of sines after the stream."""
    measured, blocks = results("peers"), (128, 512, 2048)
    stream = {row["block"]: row for row in measured["stream"]}
    counts = measured["allocations"]
    places = [counts["blocks"].index(block) for block in blocks]
    fidelity = results("fidelity")
    sines = {row["frequency"]: row["snr"] for row in fidelity["round_trips"][0]["rows"]}

    def of_blocks(show: Callable[[Any], str], field: str) -> list[str]:
        return [
            " / ".join(show(stream[block][kind][field]) for block in blocks) for kind in ("hermite", "sinc", "peer")
        ]

    def allocated(name: str) -> str:
        return " / ".join(f"{counts['counts'][name][place]:.0f}" for place in places)

    def decibels(quality: str) -> str:
        place = fidelity["qualities"].index(quality)
        return " / ".join(f"{sines[frequency][place]:.0f}" for frequency in (1000, 10_000, 15_000)) + " dB"

    return table(
        [
            "the stream around a model that costs nothing: host 48 kHz, model 44.1 kHz in blocks of 2048, stereo, "
            "4 parameter curves",
            *("neutone, Hermite", "neutone, sinc", "neutone_sdk 1.5.2, Hermite"),
        ],
        [
            [
                "time for a host block of 128 / 512 / 2048 frames",
                *(f"{times} µs" for times in of_blocks(two_digits, "us")),
            ],
            [
                "allocations for such a block",
                *(allocated(name) for name in ("no runtime", "no runtime", "neutone_sdk, pass-through")),
            ],
            ["latency, frames", *of_blocks(str, "delay")],
            [
                "signal-to-error ratio of a sine at 1 / 10 / 15 kHz",
                *(decibels("hermite"), decibels("sinc 32"), ""),
            ],
        ],
    )


def stream() -> str:
    rows = [
        [
            row["block"],
            *(f"{row['peer']['us']:.1f}", row["peer"]["delay"]),
            *(f"{row['hermite']['us']:.2f}", row["hermite"]["delay"], f"{row['hermite']['faster']:.1f}×"),
            *(f"{row['sinc']['us']:.2f}", row["sinc"]["delay"], f"{row['sinc']['faster']:.1f}×"),
        ]
        for row in results("peers")["stream"]
    ]
    return table(
        ["block", "peer, µs", "delay", "Hermite, µs", "delay", "faster", "sinc, µs", "delay", "faster"],
        rows,
    )


def resamplers() -> str:
    measured = results("peers")["resamplers"]
    sides = [(f"neutone, {name}", time) for name, time in measured["neutone"].items()]
    sides += list(measured["peers"].items())
    return table(["resampler", f"µs a block of {measured['block']}"], [[name, f"{time:.1f}"] for name, time in sides])


def allocations() -> str:
    measured = results("peers")["allocations"]
    return table(
        ["host block", *measured["blocks"]],
        [[name, *(f"{count:.1f}" for count in row)] for name, row in measured["counts"].items()],
    )


def delays() -> str:
    return table(
        ["host Hz / block", "D", "neutone_sdk 1.5.2"],
        [[f"{row['rate']} / {row['block']}", row["delay"], row["peer"]] for row in results("peers")["delays"]],
    )


def onnx_sessions() -> str:
    return table(
        ["block", "Python, µs", "native, µs", "faster", "allocations, Python", "allocations, native"],
        [
            [
                *(row["block"], f"{row['python_us']:.1f}", f"{row['native_us']:.1f}", f"{row['faster']:.2f}×"),
                *(f"{row[f'{side}_allocations']:.0f}" for side in ("python", "native")),
            ]
            for row in results("onnx_sessions")["rows"]
        ],
    )


def live() -> str:
    titles = ["blocks missed", "xruns", "late frames (hurried)", "lost", "callback µs: median", "longest"]
    return table(
        ["", *titles],
        [
            [
                *(row["name"], f"{row['missed']:.0f}", f"{row['xruns']:.0f}"),
                f"{row['late_frames']:.0f} ({row['hurried_frames']:.0f})",
                *(f"{row[field]:.0f}" for field in ("lost_frames", "median_us", "longest_us")),
            ]
            for row in results("live_gil")["rows"]
        ],
    )


def round_trip(number: int) -> str:
    measured = results("fidelity")
    return table(
        ["Hz", *measured["qualities"]],
        [
            [
                row["frequency"],
                *(f"{snr:.1f} / {gain:+.4f}" for snr, gain in zip(row["snr"], row["gain"], strict=True)),
            ]
            for row in measured["round_trips"][number]["rows"]
        ],
    )


def worst() -> str:
    return table(
        ["", "to, Hz", "signal-to-error ratio, dB", "gain within, dB", "sines"],
        [
            [f"sinc {row['taps']}", row["to"], f"{row['snr']:.1f}", f"{row['gain_within']:.5f}", row["sines"]]
            for row in results("fidelity")["worst"]
        ],
    )


def leaks() -> str:
    measured = results("fidelity")
    return table(
        ["Hz", *measured["qualities"]],
        [[row["frequency"], *(f"{left:.1f}" for left in row["left"])] for row in measured["leaks"]],
    )


def examples() -> str:
    def cell(row: dict[str, Any], kind: str) -> str:
        return f"{row[kind]['rtf']:.4f} ({row[kind]['us']:.1f})" if kind in row else ""

    return table(
        ["", "block", "eager", "TorchScript", "ONNX", "peer", "faster", "floor"],
        [
            [
                *(row["example"], row["block"]),
                *(cell(row, kind) for kind in ("eager", "torchscript", "onnx", "peer")),
                *((f"{row['faster']:.2f}×", f"{row['floor']:.1f}") if "faster" in row else ("", "")),
            ]
            for row in results("examples")["rows"]
        ],
    )


TABLES: dict[str, Callable[[], str]] = {
    "summary": summary,
    "stream": stream,
    "resamplers": resamplers,
    "allocations": allocations,
    "delays": delays,
    "onnx-sessions": onnx_sessions,
    "live": live,
    "round-trip-44": lambda: round_trip(0),
    "round-trip-48": lambda: round_trip(1),
    "worst": worst,
    "leaks": leaks,
    "examples": examples,
}


def marked(name: str) -> str:
    return MARKER.format(name) + "\n" + TABLES[name]()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="replace the tables in the documents")
    if not parser.parse_args().write:
        print("\n".join(marked(name) for name in TABLES), end="")
        return
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        document.write_text(MARKED.sub(lambda match: marked(match[1]), text), encoding="utf-8")


if __name__ == "__main__":
    main()
