"""Check whether a file loads and runs, inside :func:`neutone.sandbox.run_sandboxed`.

A graph can be made to take any amount of time and memory, even while it is loaded: that is when the runtime computes
whatever does not depend on the input."""

from __future__ import annotations

from neutone_onnx.backend import OnnxBackend

TYPICAL_RATE, TYPICAL_BLOCK = 48_000, 512


def try_file(path: str) -> str:
    """Load a file, run a block of silence through it, and return the model's name.

    Raises:
        neutone.errors.ModelFileError: The file does not load or run.
    """
    model = OnnxBackend().load(path)
    metadata = model.metadata
    rate = (metadata.native_sample_rates or [TYPICAL_RATE])[0]
    frames = (metadata.native_buffer_sizes or [TYPICAL_BLOCK])[0]
    session = model.prepare(rate, frames)
    try:
        session.run(frames)
    finally:
        session.close()
    return metadata.model_name
