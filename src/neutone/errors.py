"""Every exception that neutone raises on purpose: one small family.

Each class is rooted twice, in :class:`NeutoneError` and in the built-in that fits, so that ``except ValueError`` and
``except neutone.errors.NeutoneError`` both work.

>>> issubclass(ShapeError, ValueError) and issubclass(ShapeError, NeutoneError)
True
"""

from __future__ import annotations

__all__ = [
    "AudioFileError",
    "AudioTypeError",
    "CompatibilityWarning",
    "ConfigurationError",
    "HostError",
    "InferenceError",
    "MetadataError",
    "MissingExtraError",
    "ModelCheckWarning",
    "ModelFileError",
    "NativeSessionWarning",
    "NeutoneError",
    "OutputFileError",
    "ParameterError",
    "PluginWarning",
    "SandboxError",
    "SandboxWarning",
    "ShapeError",
    "UnknownParameterError",
    "UnknownPluginError",
]


class NeutoneError(Exception):
    """The root of the family."""


class ShapeError(NeutoneError, ValueError):
    """An array has the wrong shape, channel count or number of frames."""


class AudioTypeError(NeutoneError, TypeError):
    """An array is not float32, or not an array."""


class ParameterError(NeutoneError, ValueError):
    """A parameter value is NaN, out of its range, or not one of its labels."""


class UnknownParameterError(NeutoneError, KeyError):
    """The model declares no parameter of that name."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class ConfigurationError(NeutoneError, ValueError):
    """A sample rate, block size, level or option outside what is possible."""


class MetadataError(NeutoneError, ValueError):
    """Metadata breaks a limit of the format."""


class ModelFileError(NeutoneError, ValueError):
    """A file is not a model that the backend can run."""


class AudioFileError(NeutoneError, OSError):
    """An audio file cannot be read or written."""


class OutputFileError(NeutoneError, OSError):
    """A file cannot be created or replaced."""


class InferenceError(NeutoneError, RuntimeError):
    """The model failed while it ran. The engine stays usable: the block became silence."""


class HostError(NeutoneError, RuntimeError):
    """An audio server or device cannot be used, or went away."""


class SandboxError(NeutoneError, RuntimeError):
    """A process without rights was ended: it took too long, took too much memory, crashed, or tried what it may not."""


class UnknownPluginError(NeutoneError, LookupError):
    """No plug-in of that name, or for that file, is installed."""


class MissingExtraError(NeutoneError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class PluginWarning(UserWarning):
    """An installed plug-in cannot be used as it is: broken, or its name is taken."""


class SandboxWarning(UserWarning):
    """This system cannot take all rights from a process."""


class NativeSessionWarning(UserWarning):
    """A backend that can run without the GIL cannot do so here."""


class CompatibilityWarning(UserWarning):
    """What was written is within the format, but other programs that read it refuse it."""


class ModelCheckWarning(UserWarning):
    """An exported model does not do what it says of itself."""
