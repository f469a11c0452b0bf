"""One model on each channel: stereo through a mono model stays stereo."""

from __future__ import annotations

from contextlib import ExitStack

from neutone.errors import ConfigurationError
from neutone.limits import MAX_CHANNELS
from neutone.model.contract import Model, Session
from neutone.validation import require_integer


class Dual(Model):
    """A model that runs another model once for each of its channels, with the same parameters.

    An engine mixes a stereo signal for a mono model, and stereo width is lost. With ``Dual(model, 2)`` the two channels
    have sessions of their own. It costs twice the time. The sessions run in Python's thread, with the GIL.

    Args:
        model: The model for each channel. If it has more than one channel, each session gets that many.
        channels: The number of channels, a multiple of the model's.

    Raises:
        neutone.errors.ConfigurationError: The model's numbers of input and output channels differ, or the number of
            channels is not a multiple of them.

    >>> import neutone
    >>> dual = Dual(neutone.load(neutone.default_model()), 2)
    >>> dual.input_channels, dual.output_channels
    (2, 2)
    """

    def __init__(self, model: Model, channels: int = 2) -> None:
        each = model.input_channels
        if each != model.output_channels:
            raise ConfigurationError(
                f"channels cannot be kept apart: the model turns {each} of them into {model.output_channels}"
            )
        channels = require_integer(channels, "channels", 1, MAX_CHANNELS)
        if channels % each:
            raise ConfigurationError(f"channels is {channels}, expected a multiple of the model's {each}")
        self.metadata, self.model_delay = model.metadata, model.model_delay
        self._model, self._channels = model, channels

    @property
    def input_channels(self) -> int:
        return self._channels

    @property
    def output_channels(self) -> int:
        return self._channels

    def prepare(self, sample_rate: int, block_size: int) -> Session:
        sessions: list[Session] = []
        with ExitStack() as made:  # if one cannot be made, those before it are closed
            for _ in range(self._channels // self._model.input_channels):
                sessions.append(self._model.prepare(sample_rate, block_size))
                made.callback(sessions[-1].close)
            made.pop_all()
        return _DualSession(sessions, block_size, self.metadata.look_behind_samples)


class _DualSession(Session):
    def __init__(self, sessions: list[Session], block_size: int, look_behind: int) -> None:
        self._sessions, self._look_behind = sessions, look_behind
        self._each = sessions[0].audio_out.shape[0]
        self.model_delay = sessions[0].model_delay
        channels = self._each * len(sessions)
        self.allocate(
            input_channels=channels,
            output_channels=channels,
            parameters=sessions[0].params.shape[0],
            block_size=block_size,
            look_behind=look_behind,
        )

    def run(self, frames: int) -> None:
        # Rows are packed, so the channels of each session lie side by side in the arrays of all.
        floats_in, floats_out = self._each * (self._look_behind + frames), self._each * frames
        audio_in, audio_out = self.audio_in.reshape(-1), self.audio_out.reshape(-1)
        values = self.params.shape[0] * frames
        for place, session in enumerate(self._sessions):
            session.audio_in.reshape(-1)[:floats_in] = audio_in[place * floats_in : (place + 1) * floats_in]
            session.params.reshape(-1)[:values] = self.params.reshape(-1)[:values]
            session.run(frames)
            audio_out[place * floats_out : (place + 1) * floats_out] = session.audio_out.reshape(-1)[:floats_out]

    def reset(self) -> None:
        for session in self._sessions:
            session.reset()

    def close(self) -> None:
        for session in self._sessions:
            session.close()
