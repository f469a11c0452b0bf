"""neutone beside its peers, in one run: neutone_sdk 1.5.2, soxr and libsamplerate.

    bash benchmarks/peer/setup.sh build/peer                   # once: the peers' own environment
    .venv/bin/python benchmarks/peers.py --peer build/peer     # [--json FILE]; in the environment of `make test`

Times are microseconds a block, delays frames. Each round measures both sides in turn; the ratios are medians over the
rounds. Timings of one machine say little; ratios of one run carry.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import neutone
from neutone import Engine, Resampler
from pass_through import PassThrough
from saved_results import add_option, save
from support.malloc_counting import counting_environment, why_not
from timing import microseconds

HERE = Path(__file__).parent
CALLS = 200
BLOCKS = [32, 128, 512, 2048]
DELAYS = [(44_100, 512), (48_000, 128), (48_000, 512), (48_000, 2048), (96_000, 512)]


class Peer:
    """The worker process in the peer's environment."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [str(folder / "bin" / "python"), str(HERE / "peer" / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, *request: object) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*request, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the peer's worker ended at {request}: is its environment made by peer/setup.sh?")
        return float(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()


def engine_call(engine: Engine, curves: bool = True) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    audio = rng.random((2, engine.block_size), np.float32)
    params = rng.random((len(engine.parameters), engine.block_size), np.float32) if curves else None
    out = np.empty_like(audio)
    process = engine.process
    return lambda: process(audio, out, params)


def print_stream(peer: Peer, rounds: int) -> list[dict[str, Any]]:
    rows = []
    print("A pass-through model (44.1 kHz, 2048 frames, stereo, 4 parameter curves), host 48 kHz: microseconds a block")
    print(f"{'':>6}{'peer':>8}{'delay':>7}", end="")
    for kind in ("hermite", "sinc"):
        print(f"  |{kind:>9}{'delay':>7}{'faster':>8}", end="")
    print()
    for block in BLOCKS:
        calls = {kind: Engine(PassThrough(), 48_000, block, 2, resampler=kind) for kind in ("hermite", "sinc")}
        theirs: list[float] = []
        ours: dict[str, list[float]] = {kind: [] for kind in calls}
        for _ in range(rounds):
            theirs.append(peer.ask("wrapper", 48_000, block))
            for kind, engine in calls.items():
                ours[kind].append(microseconds(engine_call(engine), calls=CALLS))
        row: dict[str, Any] = {"block": block}
        row["peer"] = {"us": statistics.median(theirs), "delay": round(peer.ask("delay", 48_000, block))}
        print(f"{block:>6}{row['peer']['us']:>8.1f}{row['peer']['delay']:>7}", end="")
        for kind, engine in calls.items():
            ratio = statistics.median(t / o for t, o in zip(theirs, ours[kind], strict=True))
            row[kind] = {"us": statistics.median(ours[kind]), "delay": engine.latency.total, "faster": ratio}
            print(f"  |{row[kind]['us']:>9.2f}{row[kind]['delay']:>7}{ratio:>7.1f}x", end="")
        print()
        rows.append(row)
    return rows


def print_delays(peer: Peer) -> list[dict[str, Any]]:
    print("\nDelays around the same model at other rates and blocks of the host: neutone, Hermite, and the peer")
    rows = []
    for rate, block in DELAYS:
        ours, theirs = Engine(PassThrough(), rate, block, 2, resampler="hermite"), peer.ask("delay", rate, block)
        rows.append({"rate": rate, "block": block, "delay": ours.latency.total, "peer": round(theirs)})
        print(f"  {rate:>6} / {block:<4}{ours.latency.total:>7}{theirs:>7.0f}")
    return rows


def print_resamplers(peer: Peer, rounds: int, block: int = 512) -> dict[str, Any]:
    print(f"\nResampling alone, 48 -> 44.1 kHz, stereo, {block} frames, each from Python: microseconds a block")
    audio = np.random.default_rng(0).random((2, block), np.float32)
    names = [("soxr", "QQ"), ("soxr", "HQ"), ("samplerate", "linear"), ("samplerate", "sinc_fastest")]
    theirs: dict[tuple[str, str], list[float]] = {name: [] for name in names}
    ours: dict[str, list[float]] = {}
    resamplers = {
        label: Resampler(48_000, 44_100, kind=kind, taps=taps, channels=2)
        for label, kind, taps in (
            ("linear", "linear", 32),
            ("hermite", "hermite", 32),
            ("sinc 32", "sinc", 32),
            ("sinc 64", "sinc", 64),
            ("sinc 128", "sinc", 128),
        )
    }
    for _ in range(rounds):
        for name in names:
            theirs[name].append(peer.ask(*name, block))
        for label, resampler in resamplers.items():
            ours.setdefault(label, []).append(microseconds(lambda r=resampler: r.process(audio), calls=CALLS))
    results = {
        "neutone": {label: statistics.median(times) for label, times in ours.items()},
        "peers": {" ".join(name): statistics.median(times) for name, times in theirs.items()},
    }
    for side, medians in results.items():
        print(f"  {side:<9}" + ", ".join(f"{label} {median:.1f}" for label, median in medians.items()))
    return {"block": block, **results}


COUNTED = """
import sys
sys.path[:0] = {paths!r}
import gc, json, warnings
import numpy as np
warnings.simplefilter("ignore")
from support.malloc_counting import allocations_a_call
from pass_through import PassThrough
from peers import engine_call
import neutone
gc.disable()
models = {{"no runtime": PassThrough()}}
models["ONNX, identity"] = neutone.load({onnx!r}, sample_rate=44_100, block_size=2048)
models["ONNX, the amp (host rate)"] = neutone.load(neutone.default_model())
models["TorchScript, identity"] = neutone.load({torchscript!r}, sample_rate=44_100, block_size=2048)
for name, model in models.items():
    counts = []
    for block in {blocks!r}:
        engine = neutone.Engine(model, 48_000, block, 2)
        counts.append(allocations_a_call(engine_call(engine), 640))
    print(json.dumps([name, counts]), flush=True)
"""


def print_allocations(peer_folder: Path) -> dict[str, Any]:
    reason = why_not()
    if reason is None:
        try:
            import torch

            from support import onnx_models, torchscript_files
        except ImportError as error:
            reason = f'{error.name} is not installed: pip install ".[test]"'
    if reason:
        print(f"\nAllocations are not counted: {reason}")
        return {"blocks": BLOCKS, "counts": {}}

    print("\nAllocations (malloc, calloc, realloc, ...) a host block at 48 kHz; models at 44.1 kHz in blocks of 2048")
    print("  " + "host block".ljust(28) + "".join(f"{block:>9}" for block in BLOCKS))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environment = counting_environment(folder)
        onnx_models.plain(folder / "identity.onnx", [2, 2048])
        torchscript_files.save(torch.nn.Identity(), folder / "identity.ts")
        code = COUNTED.format(
            paths=[str(HERE), str(HERE.parent / "tests")],
            onnx=str(folder / "identity.onnx"),
            torchscript=str(folder / "identity.ts"),
            blocks=BLOCKS,
        )
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.PIPE)
        counts: dict[str, list[float]] = dict(json.loads(line) for line in done.stdout.splitlines())
        with Peer(peer_folder, environment) as peer:
            counts["neutone_sdk, pass-through"] = [peer.ask("mallocs", 48_000, block) for block in BLOCKS]
        for name, row in counts.items():
            print("  " + name.ljust(28) + "".join(f"{count:>9.1f}" for count in row))
    return {"blocks": BLOCKS, "counts": counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="the folder given to benchmarks/peer/setup.sh")
    parser.add_argument("--rounds", type=int, default=5)
    add_option(parser)
    arguments = parser.parse_args()
    print(f"neutone {neutone.__version__}, kernels {neutone._core.kernels_name()}\n")
    with Peer(arguments.peer) as peer:
        results: dict[str, Any] = {
            "stream": print_stream(peer, arguments.rounds),
            "resamplers": print_resamplers(peer, arguments.rounds),
            "delays": print_delays(peer),
        }
    save(arguments.json, {**results, "allocations": print_allocations(arguments.peer)})


if __name__ == "__main__":
    main()
