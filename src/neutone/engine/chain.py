"""Several models in a row, as one model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from neutone.engine.engine import Array, Engine
from neutone.errors import ConfigurationError
from neutone.model.contract import Model, Session

if TYPE_CHECKING:
    from neutone.model.metadata import ModelMetadata
    from neutone.model.parameters import NumericalNeutoneParameter

MOST_AUTHORS, LONGEST_NAME = 5, 30


class Chain(Model):
    """Several models in a row, as one model: the output of each is the input of the next.

    A chain works wherever a model does: in an engine, in :func:`neutone.render`, in live hosts. Each model runs in an
    engine of its own inside the chain's session, with its own wet/dry mix and gains, so the models may differ in rates,
    block sizes and channels; their latencies add up. Parameters keep their names. If several models have a parameter of
    one name, the name gets the model's place in the chain: ``drive_1``, ``drive_2``.

    - **Rates.** If all models share a rate, the chain runs at that rate. If not, it runs at the host's rate, and models
      that stand next to each other and share a rate are bridged together, by one pair of resamplers.
    - **Block sizes.** If all models share block sizes, the chain has these. If not, it has those of the model whose
      smallest size is the largest, and the others collect their blocks from these.
    - **Channels.** The chain has as many as the model with the most. Engines map them between models, as between a host
      and a model.

    Limits: the models of a chain run one after another in one thread, in Python, with the GIL, even if each of them
    could run without it. The chain's ``resampler`` and ``taps`` are its own, not those of the engine around it.

    Args:
        models: The models, in their order. A chain among them is taken apart into its models.
        resampler, taps: As in :class:`neutone.Engine`, for models that run at another rate than the chain.

    Raises:
        neutone.errors.ConfigurationError: There is no model, or something else is in the list.
        neutone.errors.MetadataError: The models have too many parameters together.

    >>> import numpy as np
    >>> import neutone
    >>> amp = neutone.load(neutone.default_model())
    >>> chain = Chain([amp, amp])
    >>> list(chain.parameters)
    ['drive_1', 'tone_1', 'drive_2', 'tone_2']
    >>> chain(np.zeros((2, 1000)), 44_100, drive_1=0.7).shape
    (2, 1000)
    """

    def __init__(self, models: Iterable[Model], *, resampler: str = "sinc", taps: int = 32) -> None:
        self._models: list[Model] = []
        for model in models:
            if not isinstance(model, Model):
                raise ConfigurationError(
                    f"a chain's model is a {type(model).__name__}, expected what neutone.load returns"
                )
            self._models += model.models if isinstance(model, Chain) else [model]
        if not self._models:
            raise ConfigurationError("a chain has no models, expected at least one")
        self._resampling = {"resampler": resampler, "taps": taps}
        groups = _groups_of_one_rate(self._models)
        self._parts: list[Model] = self._models
        if len(groups) > 1:
            self._parts = [
                group[0] if len(group) == 1 else Chain(group, resampler=resampler, taps=taps) for group in groups
            ]
        self._channels = max(max(model.input_channels, model.output_channels) for model in self._models)
        self.metadata = _describe(self._models, one_rate=len(groups) == 1, channels=self._channels)
        if len(groups) == 1:
            self.model_delay = sum(model.model_delay for model in self._models)

    @property
    def models(self) -> Sequence[Model]:
        """The models, in their order."""
        return tuple(self._models)

    @property
    def input_channels(self) -> int:
        return self._channels

    @property
    def output_channels(self) -> int:
        return self._channels

    def prepare(self, sample_rate: int, block_size: int) -> Session:
        engines: list[Engine] = []
        with ExitStack() as made:  # if one cannot be made, those before it are closed
            for part in self._parts:
                engines.append(
                    Engine(
                        part,
                        sample_rate,
                        block_size,
                        self._channels,
                        fixed_blocks=bool(self.metadata.native_buffer_sizes),
                        **self._resampling,  # type: ignore[arg-type]
                    )
                )
                made.callback(engines[-1].close)
            made.pop_all()
        return _ChainSession(engines, block_size)


class _ChainSession(Session):
    def __init__(self, engines: list[Engine], block_size: int) -> None:
        self._engines = engines
        self._channels = engines[0].channels
        self._rows: list[slice] = []
        parameters = 0
        for engine in engines:
            self._rows.append(slice(parameters, parameters + len(engine.parameters)))
            parameters += len(engine.parameters)
        self.model_delay = sum(engine.latency.total for engine in engines)
        self.allocate(
            input_channels=self._channels,
            output_channels=self._channels,
            parameters=parameters,
            block_size=block_size,
        )

    def run(self, frames: int) -> None:
        audio, out = _packed(self.audio_in, frames), _packed(self.audio_out, frames)
        params = _packed(self.params, frames)
        for engine, rows in zip(self._engines, self._rows, strict=True):
            engine.process(audio, out, params[rows] if rows.start < rows.stop else None)
            audio = out

    def reset(self) -> None:
        for engine in self._engines:
            engine.reset()

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


def _packed(array: Array, frames: int) -> Array:
    rows = array.shape[0]
    return array.reshape(-1)[: rows * frames].reshape(rows, frames)


def _groups_of_one_rate(models: Sequence[Model]) -> list[list[Model]]:
    """Split the models into runs that share a rate."""
    groups: list[list[Model]] = []
    for model in models:
        if groups and _shared([*groups[-1], model], "native_sample_rates") is not None:
            groups[-1].append(model)
        else:
            groups.append([model])
    return groups


def _shared(models: Sequence[Model], field: str) -> list[int] | None:
    """Return the rates or block sizes that all models support: an empty list if they support any, None if they have
    none in common."""
    common: set[int] | None = None
    for model in models:
        supported = set(getattr(model.metadata, field))
        if supported:
            common = supported if common is None else common & supported
    return None if common == set() else sorted(common or ())


def _describe(models: Sequence[Model], *, one_rate: bool, channels: int) -> ModelMetadata:
    from neutone.model.metadata import ModelMetadata  # pydantic takes a third of neutone's import time

    blocks = _shared(models, "native_buffer_sizes")
    if blocks is None:
        limited = [model.metadata.native_buffer_sizes for model in models if model.metadata.native_buffer_sizes]
        blocks = max(limited, key=min)
    names = [model.metadata.model_name for model in models]
    authors = dict.fromkeys(author for model in models for author in model.metadata.model_authors)
    return ModelMetadata(
        model_name=" + ".join(names)[:LONGEST_NAME],
        model_authors=list(authors)[:MOST_AUTHORS],
        neutone_parameters={f"p{row}": parameter for row, parameter in enumerate(_parameters_of(models), 1)},
        native_sample_rates=_shared(models, "native_sample_rates") if one_rate else [],
        native_buffer_sizes=blocks if one_rate else [],
        is_input_mono=channels == 1,
        is_output_mono=channels == 1,
    )


def _parameters_of(models: Sequence[Model]) -> list[NumericalNeutoneParameter]:
    """Return the parameters of all models, in row order, with names that differ."""
    count = Counter(parameter.name for model in models for parameter in model.metadata.parameters)
    return [
        parameter.model_copy(update={"name": f"{parameter.name}_{place}"}) if count[parameter.name] > 1 else parameter
        for place, model in enumerate(models, 1)
        for parameter in model.metadata.parameters
    ]
