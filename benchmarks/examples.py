"""The example wrappers (examples/wrappers): eager PyTorch, TorchScript and ONNX through the engine, and for two of them
the scripted wrapper of neutone_sdk 1.5.2 around the same network, in one run.

    bash benchmarks/peer/setup.sh build/peer        # once: the peer's own environment
    python benchmarks/examples.py --peer build/peer [--rounds 5] [--json FILE]

Host 48 kHz, stereo, a curve for each parameter, one thread. Each round measures all of them in turn; ratios are medians
over the rounds of the ratios within each. Real-time factors are time spent over time that the audio lasts; eager is the
wrapped model alone, on blocks that it takes, with nothing around it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

import neutone
from neutone.sdk import SampleQueueWrapper, WaveformToWaveformBase, export_onnx, save_script, script
from peers import Peer, engine_call
from saved_results import add_option, save
from timing import microseconds

CALLS = 64  # a whole number of blocks of 2048 at any host block here
sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "wrappers"))

RATE = 48_000
BLOCKS = [128, 512]
FLOORS = {("tcn", 128): 3.0, ("lstm", 128): 2.5, ("tcn", 512): 2.0, ("lstm", 512): 2.0}
EXAMPLES: dict[str, tuple[str, Callable[[Any], WaveformToWaveformBase]]] = {
    "clipper": ("clipper", lambda m: m.Clipper()),
    "prefilter": ("clipper_prefilter", lambda m: m.PrefilteredClipper()),
    "delay": ("delayed_passthrough", lambda m: m.DelayedPassthrough()),
    "tcn": ("tcn_overdrive", lambda m: m.RandomOverdrive(m.random_tcn())),
    "lstm": ("lstm_amp", lambda m: m.LstmAmp(m.trained_network())),
    "look-behind": ("look_behind", lambda m: m.Cabinet()),
    "rave": ("rave_style", lambda m: m.RaveWrapper(m.stand_in())),
}
AT_PEER = ("tcn", "lstm")


def make(name: str) -> WaveformToWaveformBase:
    module, construct = EXAMPLES[name]
    return construct(importlib.import_module(module))


def export(name: str, folder: Path) -> None:
    model = make(name)
    save_script(script(SampleQueueWrapper(model)), folder / f"{name}.nm", {"metadata.json": model.get_metadata_json()})
    export_onnx(make(name), folder / f"{name}.onnx", check=False)


def hand_to_peer(name: str, folder: Path) -> None:
    """Write the network and the output of our wrapper around it to the folder, for the peer's process."""
    model = make(name)
    model.prepare_for_inference()
    save_script(script(model.model), folder / f"{name}.ts")
    size = 256
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 20 * size)).astype(np.float32)
    params = np.array([0.3, 0.65, 0.1, 0.0], np.float32)
    model.set_sample_rate_and_buffer_size(RATE, size)
    held = torch.from_numpy(params)[:, None].repeat(1, size)
    with torch.no_grad():
        out = [model(block, held).clone() for block in torch.from_numpy(audio).split(size, dim=1)]
    np.savez(folder / f"{name}.npz", audio=audio, params=params, expected=torch.cat(out, 1).numpy(), size=size)


def eager_call(name: str, block: int) -> tuple[Callable[[], object], int]:
    """Return a call of the wrapped model in eager mode, and how many frames it processes."""
    model = make(name)
    model.prepare_for_inference()
    block = (model.get_native_buffer_sizes() or [block])[0]
    model.set_sample_rate_and_buffer_size(RATE, block)
    audio, params = torch.rand(model.in_n_ch, block), torch.rand(4, block)

    def call() -> None:
        with torch.no_grad():
            model.forward(audio, params)

    return call, block


def measure(name: str, block: int, folder: Path, peer: Peer | None, rounds: int) -> dict[str, list[float]]:
    """Return the microseconds per host block, one number for each round."""
    eager, frames = eager_call(name, block)
    engines = {
        kind: neutone.Engine(neutone.load(folder / f"{name}.{suffix}"), RATE, block, 2)
        for kind, suffix in (("torchscript", "nm"), ("onnx", "onnx"))
    }
    times: dict[str, list[float]] = {kind: [] for kind in ("eager", "torchscript", "onnx", "peer")}
    for _ in range(rounds):
        if peer is not None and name in AT_PEER:
            times["peer"].append(peer.ask("example", name, RATE, block))
        times["eager"].append(microseconds(eager, calls=CALLS) * block / frames)
        for kind, engine in engines.items():
            times[kind].append(microseconds(engine_call(engine), calls=CALLS))
    for engine in engines.values():
        if engine.stats.failed_blocks or engine.stats.starved_frames:
            raise SystemExit(f"{name} failed while it was measured: {engine.stats}")
        engine.close()
    return times


def print_table(folder: Path, peer: Peer | None, rounds: int) -> dict[str, Any]:
    """Print the table row by row, and return the rows."""
    rows: list[dict[str, Any]] = []
    differences: dict[str, float] = {}
    if peer is not None:
        differences = {name: peer.ask("example-error", name) for name in AT_PEER}
        errors = ", ".join(f"{name} {difference:.1e}" for name, difference in differences.items())
        print(f"Largest difference between the peer's models and ours on the same audio: {errors}\n")
    print("Real-time factors (microseconds a host block); faster: ONNX through the engine against the peer")
    columns = "".join(f"{title:>18}" for title in ("eager", "TorchScript", "ONNX", "peer"))
    print(f"{'':<12}{'block':>6}{columns}{'faster':>9}{'floor':>7}")
    for name in EXAMPLES:
        for block in BLOCKS:
            times = measure(name, block, folder, peer, rounds)
            row: dict[str, Any] = {"example": name, "block": block}
            print(f"{name:<12}{block:>6}", end="")
            for kind in ("eager", "torchscript", "onnx", "peer"):
                if times[kind]:
                    median = statistics.median(times[kind])
                    row[kind] = {"us": median, "rtf": median * RATE / block / 1e6}
                    print(f"{row[kind]['rtf']:>9.4f} {f'({median:.1f})':>8}", end="")
                else:
                    print(" " * 18, end="")
            if times["peer"]:
                ratio = statistics.median(p / o for p, o in zip(times["peer"], times["onnx"], strict=True))
                row |= {"faster": ratio, "floor": FLOORS[name, block]}
                print(f"{ratio:>8.2f}x{FLOORS[name, block]:>7}", end="")
            print(flush=True)
            rows.append(row)
    return {"differences": differences, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="the folder given to benchmarks/peer/setup.sh; without it: no peer")
    parser.add_argument("--rounds", type=int, default=5)
    add_option(parser)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"neutone {neutone.__version__}, kernels {neutone._core.kernels_name()}, PyTorch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for example in EXAMPLES:
            export(example, folder)
        for example in AT_PEER:
            hand_to_peer(example, folder)
        environment = {**os.environ, "NEUTONE_EXAMPLES": str(folder)}
        with Peer(arguments.peer, environment) if arguments.peer else nullcontext() as peer:
            save(arguments.json, print_table(folder, peer, arguments.rounds))


if __name__ == "__main__":
    main()
