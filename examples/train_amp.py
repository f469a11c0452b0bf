"""Train the small neural guitar amp that comes with neutone, or measure the existing one.

An LSTM learns a simulated distortion circuit with two knobs, drive and tone. The parts are in the folder
`amp`: `strings` and `signals` synthesise the audio, `simulator` solves the circuit, `network` and `training`
learn it, `export` writes the ONNX file and `evaluation` measures that file against the circuit.

    python examples/train_amp.py                 train for the default number of steps, write the ONNX file
    python examples/train_amp.py --minutes 2     end the schedule after two minutes
    python examples/train_amp.py --evaluate      no training: measure the existing file (needs no PyTorch)

Needs numpy and onnxruntime, and for training torch and onnx. Training prints its progress; both ways end with
the table below, the error-to-signal ratio sum (y - y_hat)^2 / sum y^2 between the circuit and the ONNX file
run by onnxruntime, on guitar notes and at knob settings that training never saw:

    Error-to-signal ratio on held-out guitar
                tone 0.05            tone 0.50            tone 0.95
    drive 0.05  0.003 % (-45.0 dB)   0.001 % (-51.9 dB)   0.004 % (-44.3 dB)
    drive 0.35  0.005 % (-43.4 dB)   0.002 % (-47.9 dB)   0.003 % (-45.5 dB)
    drive 0.65  0.006 % (-42.2 dB)   0.003 % (-45.4 dB)   0.006 % (-42.3 dB)
    drive 0.95  0.009 % (-40.3 dB)   0.007 % (-41.4 dB)   0.016 % (-37.9 dB)
    guitar, all settings     0.009 % (-40.6 dB)
    sweep and noise bursts   0.013 % (-39.0 dB)
    circuit, 8x against 64x  -57.2 dB
    largest output, silence  0.0e+00 from reset, 0.0e+00 half a second after a burst
    largest output, 0 dBFS   0.823
"""

import argparse
import sys
from pathlib import Path

from amp.evaluation import (
    AmpSession,
    evaluate,
    largest_output_at_full_scale,
    largest_output_at_rest,
    simulator_error,
)

SHIPPED_MODEL = Path(__file__).resolve().parent.parent / "src" / "neutone" / "assets" / "amp.onnx"


def measure(model: bytes) -> str:
    """Print all measurements of the file alone, and return the headline figure."""
    session = AmpSession(model)
    evaluation = evaluate(session)
    print(evaluation.table())
    print(f"circuit, 8x against 64x  {simulator_error().decibels:.1f} dB")
    from_reset, after_burst = largest_output_at_rest(session)
    print(f"largest output, silence  {from_reset:.1e} from reset, {after_burst:.1e} half a second after a burst")
    print(f"largest output, 0 dBFS   {largest_output_at_full_scale(session):.3f}")
    return str(evaluation.guitar)


def train_and_export(arguments: argparse.Namespace) -> None:
    """Train, export, compare with PyTorch, measure, and write the file with the headline figure in its metadata."""
    # Imported here, so that --evaluate works without PyTorch.
    import torch

    from amp.export import export_amp
    from amp.training import TrainingOptions, train
    from amp.verification import largest_difference

    torch.set_num_threads(arguments.threads)
    options = TrainingOptions(steps=arguments.steps, minutes=arguments.minutes, seed=arguments.seed)
    network = train(options, report=lambda line: print(line, flush=True))
    difference = largest_difference(network, export_amp(network, "not measured").SerializeToString())
    print(f"largest difference between PyTorch and onnxruntime: {difference:.1e}")
    measured_esr = measure(export_amp(network, "not measured").SerializeToString())
    model = export_amp(network, measured_esr).SerializeToString(deterministic=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(model)
    print(f"wrote {arguments.out}: {len(model)} bytes, {network.free_parameters()} parameters")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Train or evaluate the neural guitar amp.")
    parser.add_argument("--evaluate", action="store_true", help="measure the file at --out, train nothing")
    parser.add_argument("--out", type=Path, default=SHIPPED_MODEL, help="the ONNX file (default: neutone's own)")
    parser.add_argument("--steps", type=int, default=40_000, help="optimiser steps (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="end the schedule after this time, if that comes first")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and training audio")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch threads (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.evaluate:
        measure(arguments.out.read_bytes())
    else:
        train_and_export(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
