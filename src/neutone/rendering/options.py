"""How a signal or file is rendered, and the engine that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from neutone.engine.engine import Engine, Parameters
from neutone.errors import AudioTypeError, ShapeError
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
    """An engine with everything set, and the curves that drive its parameters if ``params`` are curves.

    Args:
        model: what :func:`neutone.load` returns.
        sample_rate: Hz.
        channels: in and out.
        frames: how long curves must be; None: any length.
        options: what the caller of the public function gave.

    Raises:
        TypeError: there is no such keyword.
        neutone.errors.NeutoneError: a value that cannot be.
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
    """Set values; curves are checked and returned."""
    if params is None:
        return None
    if isinstance(params, np.ndarray):
        expected = len(engine.parameters)
        if params.ndim != 2 or params.shape[0] != expected or (frames is not None and params.shape[1] != frames):
            raise ShapeError(
                f"params has shape {params.shape}, expected ({expected}, {'frames' if frames is None else frames}): "
                f"a row for each declared parameter"
            )
        return params
    if not isinstance(params, Mapping):
        raise AudioTypeError(
            f"params is a {type(params).__name__}, expected a mapping of names, or float32 (parameters, frames)"
        )
    engine.parameters.update(params)
    return None
