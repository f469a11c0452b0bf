"""Runs inside the peer's environment and times what it is asked for, so that both sides are measured in one run.

Reads requests, one per line, and prints one number for each:

    wrapper HOST_RATE BLOCK     microseconds a block of neutone_sdk's scripted wrapper around a pass-through model
                                (44.1 kHz, 2048 frames, stereo, 4 parameters)
    delay HOST_RATE BLOCK       the buffering delay that it reports, host frames
    soxr QUALITY BLOCK          microseconds to resample a stereo block 48 -> 44.1 kHz, streaming
    samplerate CONVERTER BLOCK  likewise
    mallocs HOST_RATE BLOCK     allocations a block of the wrapper (under malloc_counter.so)
    example NAME HOST_RATE BLOCK  microseconds a block of the wrapper around NAME's network; see example_models.py
    example-error NAME            the largest difference between the peer's model and neutone's output
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import numpy as np  # noqa: E402

# Behind this folder, whose pass_through is the peer's.
sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]

from support.malloc_counting import allocations_a_call  # noqa: E402
from timing import microseconds  # noqa: E402

CALLS = 50

_wrappers: list[Any] = []
_examples: dict[str, Any] = {}


def wrapper(host_rate: int, block: int) -> Any:
    import torch
    from neutone_sdk import SampleQueueWrapper
    from neutone_sdk.utils import model_to_torchscript

    from pass_through import pass_through

    if not _wrappers:
        torch.set_num_threads(1)
        with torch.no_grad():
            _wrappers.append(model_to_torchscript(SampleQueueWrapper(pass_through())))
    _wrappers[0].set_daw_sample_rate_and_buffer_size(host_rate, block)
    return _wrappers[0]


def wrapper_call(host_rate: int, block: int) -> Callable[[], object]:
    import torch

    model = wrapper(host_rate, block)
    audio, params = torch.rand(2, block), torch.rand(4, block)

    def call() -> None:
        with torch.no_grad():
            model.forward(audio, params)

    return call


def example_call(name: str, host_rate: int, block: int) -> Callable[[], object]:
    import torch
    from example_models import wrap
    from neutone_sdk import SampleQueueWrapper
    from neutone_sdk.utils import model_to_torchscript

    if name not in _examples:
        torch.set_num_threads(1)
        with torch.no_grad():
            _examples[name] = model_to_torchscript(SampleQueueWrapper(wrap(name)))
    model = _examples[name]
    model.set_daw_sample_rate_and_buffer_size(host_rate, block)
    audio, params = torch.rand(2, block), torch.rand(4, block)

    def call() -> None:
        with torch.no_grad():
            model.forward(audio, params)

    return call


def soxr_call(quality: str, block: int) -> Callable[[], object]:
    import soxr

    stream = soxr.ResampleStream(48_000, 44_100, 2, dtype="float32", quality=quality)
    audio = np.random.default_rng(0).random((block, 2), np.float32)
    return lambda: stream.resample_chunk(audio)


def samplerate_call(converter: str, block: int) -> Callable[[], object]:
    import samplerate

    stream = samplerate.Resampler(converter, channels=2)
    audio = np.random.default_rng(0).random((block, 2), np.float32)
    return lambda: stream.process(audio, 44_100 / 48_000)


def answer(request: str) -> float:
    what, first, *more = request.split()
    if what == "example":
        return microseconds(example_call(first, int(more[0]), int(more[1])), calls=CALLS)
    if what == "example-error":
        from example_models import largest_difference

        return largest_difference(first)
    (block,) = more
    if what == "wrapper":
        return microseconds(wrapper_call(int(first), int(block)), calls=CALLS)
    if what == "delay":
        return float(wrapper(int(first), int(block)).calc_buffering_delay_samples())
    if what == "soxr":
        return microseconds(soxr_call(first, int(block)), calls=CALLS)
    if what == "samplerate":
        return microseconds(samplerate_call(first, int(block)), calls=CALLS)
    if what == "mallocs":
        return allocations_a_call(wrapper_call(int(first), int(block)))
    raise ValueError(request)


def main() -> None:
    # What the libraries print goes to stderr; only the results go to stdout.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(answer(line), file=answers, flush=True)


if __name__ == "__main__":
    main()
