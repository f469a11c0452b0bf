"""The options of rendering, and the engine that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from neutone.engine.dual import Dual
from neutone.engine.engine import Engine
from neutone.errors import AudioTypeError, ConfigurationError, is_array, shown
from neutone.model.contract import Model
from neutone.rendering.curves import CurveArray, Curves, NamedCurves, is_curve

DEFAULT_BLOCK_SIZE = 2048
CHANNEL_MODES = ("mix", "dual")
LEVELS = ("wet", "dry", "input_gain_db", "output_gain_db")


class RenderOptions(TypedDict, total=False):
    """The keywords of :func:`neutone.render` and :func:`neutone.render_file`, whose docstrings explain them."""

    params: Mapping[str, Any] | np.ndarray[Any, Any] | None
    channels: str
    block_size: int
    resampler: str
    taps: int
    wet: float | None
    dry: float | None
    input_gain_db: float | None
    output_gain_db: float | None


def open_engine(
    model: Model, sample_rate: float, host_channels: int, frames: int | None, options: RenderOptions
) -> tuple[Engine, Curves | None]:
    """Make an engine with all options applied. Returns it with the curves that drive its parameters, or None if
    ``params`` has no curves.

    Args:
        model: The model to run, as :func:`neutone.load` returns it.
        sample_rate: The host's sample rate in Hz.
        host_channels: The host's number of channels, both in and out.
        frames: How many frames curves with one value a frame must have; None for any number.
        options: The keywords that the caller of the public function gave.

    Raises:
        TypeError: An option is unknown.
        neutone.errors.NeutoneError: A value is not valid.
    """
    for name in options:
        if name not in RenderOptions.__annotations__:
            raise TypeError(f"render got an unexpected keyword argument {name!r}")
    engine = Engine(
        _with_channels(model, host_channels, options.get("channels", "mix")),
        sample_rate,  # type: ignore[arg-type]
        options.get("block_size", DEFAULT_BLOCK_SIZE),
        host_channels,
        resampler=options.get("resampler", "sinc"),
        taps=options.get("taps", 32),
    )
    try:
        for level in LEVELS:
            if options.get(level) is not None:
                setattr(engine, level, options[level])  # type: ignore[literal-required]
        return engine, apply_params(options.get("params"), engine, frames)
    except BaseException:
        engine.close()
        raise


def _with_channels(model: Model, channels: int, mode: str) -> Model:
    if mode not in CHANNEL_MODES:
        raise ConfigurationError(f"channels is {shown(mode)}, expected one of {', '.join(CHANNEL_MODES)}")
    return Dual(model, channels) if mode == "dual" and isinstance(model, Model) else model


def apply_params(params: object, engine: Engine, frames: int | None) -> Curves | None:
    """Set parameters from a mapping, or return the curves."""
    if params is None:
        return None
    if isinstance(params, np.ndarray) or is_array(params):
        return CurveArray(np.asarray(params), len(engine.parameters), frames)
    if not isinstance(params, Mapping):
        raise AudioTypeError(
            f"params is a {type(params).__name__}, expected a mapping of names, or an array (parameters, frames)"
        )
    engine.parameters.update({name: value for name, value in params.items() if not is_curve(value)})
    curves = {name: value for name, value in params.items() if is_curve(value)}
    return NamedCurves(curves, engine.parameters, engine.sample_rate, frames) if curves else None
