"""The guitar phrase of the demo, and a model's output for it at several settings."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neutone.cli.terminal import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress, TaskID

    from neutone.engine.engine import Parameters
    from neutone.plugins import Model

    Array = NDArray[np.float32]

AMP_SETTINGS = {
    "clean": {"drive": 0.1, "tone": 0.8},
    "crunch": {"drive": 0.45, "tone": 0.6},
    "lead": {"drive": 0.85, "tone": 0.55},
}


@dataclass(frozen=True)
class Take:
    """The phrase at one setting of the model."""

    name: str
    setting: str
    """A description of the setting, for people to read."""
    audio: Array
    """The output, of shape (channels, frames). The picture shows the first channel."""
    seconds: float | None = None
    """The compute time in seconds; None for the dry phrase."""
    curve: Array | None = None
    """The values of the moving parameter over the phrase, 0..1; None if no parameter moves."""
    curve_name: str = ""


def read_phrase(rate: int) -> Array:
    """Return the guitar phrase that comes with neutone, of shape (1, frames), at a sample rate in Hz."""
    import soundfile

    from neutone.plugins.loading import ASSETS

    audio, phrase_rate = soundfile.read(ASSETS / "phrase.flac", dtype="float32", always_2d=True)
    return resampled(audio.T.copy(), phrase_rate, rate)


def resampled(audio: Array, rate_in: int, rate_out: int) -> Array:
    import numpy as np

    from neutone import Resampler

    if rate_in == rate_out:
        return audio
    resampler = Resampler(rate_in, rate_out, taps=128, channels=len(audio))
    fed = np.pad(audio, ((0, 0), (0, resampler.lookahead)))
    return np.ascontiguousarray(resampler.process(fed))


def render_takes(model: Model, phrase: Array, rate: int) -> list[Take]:
    import numpy as np

    from neutone import render

    frames = phrase.shape[1]
    plans: list[tuple[str, str, Parameters | None, Array | None]] = []
    names = [parameter.name for parameter in model.metadata.parameters]
    if set(names) == set(AMP_SETTINGS["clean"]):
        for name, values in AMP_SETTINGS.items():
            words = ", ".join(f"{parameter} {value:g}" for parameter, value in values.items())
            plans.append((name, words, values, None))
    else:
        plans.append(("default", "as the model comes", None, None))
    if names:
        curves = np.repeat([[p.default_unit] for p in model.metadata.parameters], frames, axis=1).astype(np.float32)
        curves[0] = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, frames))
        lowest, highest = (_in_words(model.metadata.parameters[0].from_unit(unit)) for unit in (0.0, 1.0))
        plans.append(("sweep", f"{names[0]} from {lowest} to {highest}", curves, curves[0]))
    takes = [Take("dry", "what goes in", phrase)]
    with progress_bar() as progress:
        for name, words, parameters, curve in plans:
            task = progress.add_task(f"{name:8}", total=1.0)
            start = clock.perf_counter()
            audio = render(
                model,
                phrase,
                rate,
                params=parameters,
                progress=_mover(progress, task),
            )
            takes.append(Take(name, words, audio, clock.perf_counter() - start, curve, names[0] if names else ""))
    return takes


def _mover(progress: Progress, task: TaskID) -> Callable[[float], None]:
    return lambda done: progress.update(task, completed=done)


def _in_words(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
