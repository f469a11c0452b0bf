"""Signals as callers have them: other dtypes, torch tensors and lists become float32 of shape (channels, frames), and
the result becomes what came in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutone.errors import AudioTypeError, ConfigurationError, ShapeError, shown
from neutone.limits import MAX_CHANNELS

Array = NDArray[np.float32]

LAYOUTS = ("channels-first", "frames-first")
MOST_USUAL_CHANNELS = 8
"""A signal with more channels than this, and more than frames, is more likely transposed than meant."""
INTEGERS = (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
"""The integer types of audio. Their full scale is that of the type; uint8 has its zero at 128, as in WAV files."""


class CallerArray:
    """A caller's signal, and how it is laid out.

    Attributes:
        audio: The signal as float32 of shape (channels, frames).
    """

    audio: Array

    def __init__(self, given: Any, layout: str | None = None) -> None:
        """Convert a signal.

        Args:
            given: A numpy array, a torch tensor, a list of numbers, or anything else that numpy makes an array of.
            layout: ``"channels-first"`` for (channels, frames), ``"frames-first"`` for (frames, channels). None means
                channels first, too, but refuses a shape that looks transposed.

        Raises:
            neutone.errors.AudioTypeError: It does not hold audio.
            neutone.errors.ShapeError: The shape is wrong.
            neutone.errors.ConfigurationError: There is no such layout.
        """
        if layout is not None and layout not in LAYOUTS:
            raise ConfigurationError(f"layout is {shown(layout)}, expected one of {', '.join(LAYOUTS)}")
        self._tensor = given if _is_torch_tensor(given) else None
        array = _as_array(given)
        self.dtype = array.dtype
        self._frames_first = layout == "frames-first"
        self._one_axis = array.ndim == 1
        planar = array[np.newaxis] if self._one_axis else array.T if self._frames_first else array
        _check_shape(array, planar, layout)
        self.audio = as_float32(planar)

    @property
    def integer(self) -> bool:
        """Whether the samples are integers, so that the result clips at full scale."""
        return self.dtype.kind in "iu"

    def restore(self, result: Array) -> Any:
        """Return float32 of shape (channels, frames) in the dtype, layout and kind of what was given."""
        back = _from_float32(result, self.dtype)
        back = back[0] if self._one_axis else np.ascontiguousarray(back.T) if self._frames_first else back
        if self._tensor is None:
            return back
        return sys.modules["torch"].from_numpy(back).to(self._tensor)


def as_float32(array: NDArray[Any]) -> Array:
    """Convert an array of any audio type to float32. Integers are divided by their type's full scale.

    >>> as_float32(np.array([-32768, 16384], np.int16))
    array([-1. ,  0.5], dtype=float32)
    """
    if array.dtype == np.float32:
        return array.astype(np.float32, copy=False)  # copies only what is not in this machine's byte order
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # beyond float32's range is infinite, which is warned about like any infinity
            return array.astype(np.float32)
    centre, scale = _scale_of(array.dtype)
    return ((array.astype(np.float64) - centre) / scale).astype(np.float32)


def _from_float32(audio: Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return audio.astype(dtype, copy=False)
    centre, scale = _scale_of(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(audio.astype(np.float64) * scale) + centre, limits.min, limits.max).astype(dtype)


def _scale_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the value of silence, and the distance from there to full scale."""
    scale = 2.0 ** (8 * dtype.itemsize - 1)
    return (scale if dtype.kind == "u" else 0.0), scale


def _is_torch_tensor(given: object) -> bool:
    torch = sys.modules.get("torch")  # whoever has a tensor has imported torch
    return torch is not None and isinstance(given, torch.Tensor)


def _as_array(given: Any) -> NDArray[Any]:
    expected = "expected samples of shape (channels, frames) or (frames,): an array, a torch tensor or a list"
    if _is_torch_tensor(given):
        tensor = given.detach().cpu()
        array: NDArray[Any] = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    elif (isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes)) or hasattr(
        given, "__array__"
    ):
        try:
            array = np.asarray(given)
        except (ValueError, TypeError) as error:  # rows of different lengths
            raise ShapeError(f"audio is a {type(given).__name__} that is no array ({error}), {expected}") from None
    else:
        raise AudioTypeError(f"audio is a {type(given).__name__}, {expected}")
    if array.dtype.kind == "f" or array.dtype.newbyteorder("=") in INTEGERS:
        return array
    if array.dtype.kind in "iu":
        raise AudioTypeError(
            f"audio is {array.dtype}, whose full scale is not known: convert it, for example with "
            f"audio.astype(numpy.int16) if it holds 16-bit samples, or audio.astype(numpy.float32) if 1 is full scale"
        )
    raise AudioTypeError(f"audio holds {array.dtype}, expected floats, int8, uint8, int16 or int32")


def _check_shape(array: NDArray[Any], planar: NDArray[Any], layout: str | None) -> None:
    wanted = "(frames, channels)" if layout == "frames-first" else "(channels, frames)"
    if array.ndim not in (1, 2) or planar.shape[0] == 0:
        raise ShapeError(f"audio has shape {array.shape}, expected {wanted} or (frames,)")
    channels, frames = planar.shape
    if channels > MAX_CHANNELS or (layout is None and channels > max(frames, MOST_USUAL_CHANNELS)):
        other = LAYOUTS[layout != "frames-first"]
        raise ShapeError(
            f"audio has shape {array.shape}, expected {wanted}: is it transposed? Then give layout={other!r}"
        )
