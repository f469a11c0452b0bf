"""The options of rendering, and the engine that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from neutone.engine.engine import Engine, Parameters
from neutone.errors import AudioTypeError, ParameterError, ShapeError
from neutone.model.contract import Model

Array = NDArray[np.float32]

DEFAULT_BLOCK_SIZE = 2048
LEVELS = ("wet", "dry", "input_gain_db", "output_gain_db")


class RenderOptions(TypedDict, total=False):
    """The keywords of :func:`neutone.render` and :func:`neutone.render_file`, whose docstrings explain them."""

    params: Parameters | None
    block_size: int
    resampler: str
    taps: int
    wet: float | None
    dry: float | None
    input_gain_db: float | None
    output_gain_db: float | None


def open_engine(
    model: Model, sample_rate: int, channels: int, frames: int | None, options: RenderOptions
) -> tuple[Engine, Array | None]:
    """Make an engine with all options applied. Returns it with the curves that drive its parameters, or None if
    ``params`` are not curves.

    Args:
        model: The model to run, as :func:`neutone.load` returns it.
        sample_rate: The host's sample rate in Hz.
        channels: The host's number of channels, both in and out.
        frames: How many frames the curves must have; None for any number.
        options: The keywords that the caller of the public function gave.

    Raises:
        TypeError: An option is unknown.
        neutone.errors.NeutoneError: A value is not valid.
    """
    for name in options:
        if name not in RenderOptions.__annotations__:
            raise TypeError(f"render got an unexpected keyword argument {name!r}")
    engine = Engine(
        model,
        sample_rate,
        options.get("block_size", DEFAULT_BLOCK_SIZE),
        channels,
        resampler=options.get("resampler", "sinc"),
        taps=options.get("taps", 32),
    )
    try:
        for level in LEVELS:
            if options.get(level) is not None:
                setattr(engine, level, options[level])  # type: ignore[literal-required]
        return engine, _apply(options.get("params"), engine, frames)
    except BaseException:
        engine.close()
        raise


def _apply(params: Parameters | None, engine: Engine, frames: int | None) -> Array | None:
    """Set parameters from a mapping, or check and return curves."""
    if params is None:
        return None
    if isinstance(params, np.ndarray):
        expected = len(engine.parameters)
        if params.ndim != 2 or params.shape[0] != expected or (frames is not None and params.shape[1] != frames):
            raise ShapeError(
                f"params has shape {params.shape}, expected ({expected}, {'frames' if frames is None else frames}): "
                f"a row for each declared parameter"
            )
        if params.dtype == np.float32 and params.size:
            low, high = float(params.min()), float(params.max())
            if not (low >= 0.0 and high <= 1.0):  # NaN too
                raise ParameterError(f"params has values from {low:g} to {high:g}, expected curves from 0 to 1")
        return params
    if not isinstance(params, Mapping):
        raise AudioTypeError(
            f"params is a {type(params).__name__}, expected a mapping of names, or float32 (parameters, frames)"
        )
    engine.parameters.update(params)
    return None
