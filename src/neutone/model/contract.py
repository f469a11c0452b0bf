"""What the engine requires of a model: a description, and sessions that run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from neutone.model.declared_parameters import DeclaredParameters

if TYPE_CHECKING:  # pydantic takes a third of neutone's import time, so import it only where models are opened
    from neutone.model.metadata import ModelMetadata

Array = NDArray[np.float32]


class Session(ABC):
    """A model that is ready to run at one sample rate, on blocks of at most N frames.

    The session owns the arrays through which audio is exchanged: the stream writes ``audio_in`` and ``params``, calls
    :meth:`run`, and reads ``audio_out``. The three arrays are float32 and C-contiguous, and must not move during the
    session's life.

    If the model takes any block size, ``run`` may be called with fewer frames than N. Rows are then packed: the first
    ``C_in * (N_LB + frames)`` floats of ``audio_in`` are a tensor of shape (C_in, N_LB + frames), the first ``P *
    frames`` floats of ``params`` one of shape (P, frames), and ``run`` must fill the first ``C_out * frames`` floats of
    ``audio_out`` as one of shape (C_out, frames).

    Attributes:
        audio_in: The input, of shape (C_in, N_LB + N): N_LB frames of look-behind, then the block, with the newest
            frame last.
        params: The parameters, of shape (P, N): one value in 0..1 per frame for each declared parameter. P may be 0.
        audio_out: The output, of shape (C_out, N).
        model_delay: The delay of the output in frames at the session's rate, if it depends on the rate or block size;
            None to use the model's own ``model_delay``.
        native: A PyCapsule named ``neutone.session`` around the struct ``nt_session`` of ``neutone/nt_session.h``, or
            None. Its functions do the same as :meth:`run` and :meth:`reset` without the GIL, and an engine calls them
            instead. The engine keeps the capsule and the session until no thread can call the functions any more.
    """

    audio_in: Array
    params: Array
    audio_out: Array

    model_delay: int | None = None

    native: object | None = None

    def allocate(
        self, *, input_channels: int, output_channels: int, parameters: int, block_size: int, look_behind: int = 0
    ) -> None:
        """Create the three arrays, filled with zeros, for blocks of at most `block_size` frames.

        A session whose runtime owns the memory sets the arrays itself instead."""
        self.audio_in = np.zeros((input_channels, look_behind + block_size), np.float32)
        self.params = np.zeros((parameters, block_size), np.float32)
        self.audio_out = np.zeros((output_channels, block_size), np.float32)

    @abstractmethod
    def run(self, frames: int) -> None:
        """Process a block of `frames` frames: fill ``audio_out`` from ``audio_in`` and ``params``.

        The engine calls it once per model block, in order, and never from two threads at once. If it raises an
        exception, the block becomes silence, and the caller of ``process`` gets the exception."""

    def reset(self) -> None:  # noqa: B027
        """Return to the state before the first block. A model without state need not define this."""

    def close(self) -> None:  # noqa: B027
        """Free the memory and threads of the runtime. The session cannot be used afterwards."""


class Model(ABC):
    """A loaded model: its description, and a method that makes sessions to run it.

    Calling a model renders a signal: ``model(audio, sample_rate, drive=0.7)``.

    Attributes:
        metadata: The model's name, parameters, sample rates, block sizes and channels.
        model_delay: The delay of the output in frames at the model's rate.
    """

    metadata: ModelMetadata
    model_delay: int = 0

    @property
    def input_channels(self) -> int:
        """The number of input channels, C_in. Models with more than two override it."""
        return 1 if self.metadata.is_input_mono else 2

    @property
    def output_channels(self) -> int:
        """The number of output channels, C_out. Models with more than two override it."""
        return 1 if self.metadata.is_output_mono else 2

    @property
    def parameters(self) -> DeclaredParameters:
        """The declared parameters by name: their ranges, defaults and descriptions.

        >>> import neutone
        >>> neutone.load(neutone.default_model()).parameters["drive"].max_value
        1.0
        """
        return DeclaredParameters(self.metadata.parameters)

    def __call__(self, audio: Any, sample_rate: float, /, **values: Any) -> Any:
        """Run the model over a whole signal, as :func:`neutone.render` does, which has more options.

        Args:
            audio: The signal, of shape (channels, frames) or (frames,).
            sample_rate: The signal's sample rate in Hz.
            values: Parameters by name: a value in natural units, or a curve, as in the ``params`` of
                :func:`neutone.render`.

        Returns:
            The result, in the shape and dtype of ``audio``.

        >>> import neutone
        >>> model = neutone.load(neutone.default_model())
        >>> model(np.zeros(1000), 44_100, drive=0.7, tone=[(0.0, 0.2), (0.01, 0.9)]).shape
        (1000,)
        """
        import neutone  # whose engine imports this module

        return neutone.render(self, audio, sample_rate, params=values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.metadata.model_name!r}>"

    @abstractmethod
    def prepare(self, sample_rate: int, block_size: int) -> Session:
        """Make a session that runs the model.

        ``sample_rate`` (Hz) is one of the native rates and ``block_size`` (frames) one of the native block sizes. If
        the metadata lists no rates, any rate may be asked for; if it lists no block sizes, the session must take any
        block up to ``block_size``. Sessions of one model are independent of each other unless the backend's
        documentation says otherwise."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a model file says about its model. The model is not run to find it out.

    Attributes:
        metadata: The model's name, parameters, sample rates, block sizes and channels.
        input_channels: The number of input channels; None if the file does not say, and it is known only when the model
            runs.
        output_channels: The number of output channels; None if the file does not say, and it is known only when the
            model runs.
        model_delay: The delay of the output in frames at the model's rate; None if the file does not say, and it is
            known only when the model runs.
    """

    metadata: ModelMetadata
    input_channels: int | None
    output_channels: int | None
    model_delay: int | None

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the summary of a loaded model."""
        return cls(model.metadata, model.input_channels, model.output_channels, model.model_delay)
