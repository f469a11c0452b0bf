"""The checks of debug mode around each block. Each raises one sentence in terms of the author's own methods."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neutone.errors import AudioTypeError, ConfigurationError, InferenceError, ParameterError, ShapeError


def _channels(count: int) -> str:
    return f"{count} channel{'s' if count > 1 else ''} ({'mono' if count == 1 else 'stereo'})"


def _where_not_finite(audio: Tensor) -> str:
    channel, frame = torch.nonzero(~torch.isfinite(audio))[0].tolist()
    value = audio[channel, frame].item()
    return f"{'NaN' if value != value else value} in channel {channel}, frame {frame}"


def check_settings(
    name: str, sample_rate: int, frames: int, sample_rates: Sequence[int], buffer_sizes: Sequence[int]
) -> None:
    """Raise unless a model supports a sample rate (Hz) and a block size (frames)."""
    if sample_rates and sample_rate not in sample_rates:
        raise ConfigurationError(
            f"{name} does not run at {sample_rate} Hz: its get_native_sample_rates() returns {list(sample_rates)}"
        )
    if frames < 1 or (buffer_sizes and frames not in buffer_sizes):
        raise ConfigurationError(
            f"{name} does not run on blocks of {frames} frames: its get_native_buffer_sizes() returns "
            f"{list(buffer_sizes) or 'any'}"
        )


def check_block(name: str, x: Any, channels: int, buffer_sizes: Sequence[int], largest: int) -> None:
    """Raise unless a block of audio is what the model takes. `largest` is the announced block size in frames, or -1."""
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        given = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise AudioTypeError(f"{name} was given audio of type {given}, expected a float32 tensor")
    if x.ndim != 2 or x.size(0) != channels:
        raise ShapeError(
            f"{name} was given audio of shape {tuple(x.shape)}, expected ({channels}, frames): its is_input_mono() "
            f"returns {channels == 1}, so it takes {_channels(channels)}"
        )
    frames = x.size(1)
    if frames < 1 or (buffer_sizes and frames not in buffer_sizes):
        raise ShapeError(
            f"{name} was given a block of {frames} frames, but its get_native_buffer_sizes() returns "
            f"{list(buffer_sizes) or 'any'}"
        )
    if 0 < largest < frames:
        raise ShapeError(
            f"{name} was given a block of {frames} frames after set_sample_rate_and_buffer_size() announced {largest}"
        )
    if not bool(torch.isfinite(x).all()):
        raise InferenceError(
            f"{name} was given audio with {_where_not_finite(x)}: the error is in what comes before the model"
        )


def check_params(name: str, params: Any, rows: int, frames: int) -> None:
    """Raise unless the parameter values have the shape (rows, frames) and lie in 0..1."""
    if not isinstance(params, Tensor) or params.dtype != torch.float32:
        given = params.dtype if isinstance(params, Tensor) else type(params).__name__
        raise AudioTypeError(f"{name} was given params of type {given}, expected a float32 tensor")
    if params.shape != (rows, frames):
        raise ShapeError(
            f"{name} was given params of shape {tuple(params.shape)}, expected ({rows}, {frames}): always {rows} rows, "
            f"and a value for each frame of the audio"
        )
    if not bool(((params >= 0) & (params <= 1)).all()):  # NaN too
        raise ParameterError(f"{name} was given params outside 0..1, or NaN; the model maps them to natural values")


def check_aggregated(name: str, units: Any, rows: int) -> None:
    """Raise unless aggregate_params kept a row for each parameter."""
    shape = tuple(units.shape) if isinstance(units, Tensor) else type(units).__name__
    if not isinstance(units, Tensor) or units.ndim != 2 or units.size(0) != rows:
        raise ShapeError(
            f"{name}.aggregate_params() returned {shape}, expected ({rows}, 1), or ({rows}, frames) for values at "
            f"sample granularity"
        )


def check_answer(name: str, y: Any, channels: int, frames: int, look_behind: int, device: torch.device) -> None:
    """Raise unless do_forward_pass returned finite floats of shape (channels, frames)."""
    method = f"{name}.do_forward_pass()"
    if not isinstance(y, Tensor):
        raise AudioTypeError(
            f"{method} returned a {type(y).__name__}, expected a tensor of shape ({channels}, {frames})"
        )
    if tuple(y.shape) != (channels, frames):
        raise ShapeError(
            f"{method} returned shape {tuple(y.shape)}, expected ({channels}, {frames})"
            f"{_shape_hint(tuple(y.shape), channels, frames, look_behind)}"
        )
    if not y.dtype.is_floating_point:
        raise AudioTypeError(f"{method} returned {y.dtype}, expected torch.float32")
    if y.device != device:
        raise AudioTypeError(f"{method} returned a tensor on device {y.device}, but its input is on {device}")
    if not bool(torch.isfinite(y).all()):
        raise InferenceError(f"{method} returned {_where_not_finite(y)}, though its input is finite")


def _shape_hint(shape: tuple[int, ...], channels: int, frames: int, look_behind: int) -> str:
    if len(shape) == 1:
        return ": the channel axis is missing"
    if len(shape) == 3:
        return ": there is a batch axis to squeeze"
    if len(shape) != 2:
        return ""
    if shape == (frames, channels):
        return ": it is transposed"
    if shape[0] != channels:
        return f": its is_output_mono() returns {channels == 1}, so it must return {_channels(channels)}"
    if look_behind and shape[1] == look_behind + frames:
        return f": return the block alone, without the {look_behind} samples of look-behind: y[:, {look_behind}:]"
    if shape[1] < frames:
        return f": {frames - shape[1]} frames too few; does a convolution lack padding, or a look-behind?"
    return f": {shape[1] - frames} frames too many"


def conversions(y: Tensor) -> list[str]:
    """Return a line that says how the model's output is converted, or none if it is float32."""
    return [] if y.dtype == torch.float32 else [f"returned {y.dtype}, which is converted to torch.float32"]


class InputGuard:
    """Copies of the inputs of do_forward_pass for the model, which may write to them: their memory is the host's.

    Attributes:
        audio: The copy of the audio.
        params: The copies of the parameters.
    """

    def __init__(self, x: Tensor, params: Mapping[str, Tensor]) -> None:
        self._given = x, params
        self.audio = x.clone()
        self.params = {name: value.clone() for name, value in params.items()}

    def changes(self) -> list[str]:
        """Return a line that says what the model has changed, or none."""
        x, params = self._given
        changed = [] if torch.equal(self.audio, x) else ["x"]
        changed += [f"params[{name!r}]" for name, value in params.items() if not torch.equal(self.params[name], value)]
        return [f"changed {', '.join(changed)} in place, and is given copies"] if changed else []
