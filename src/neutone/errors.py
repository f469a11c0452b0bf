"""All exceptions and warnings that neutone raises on purpose.

Each exception derives from :class:`NeutoneError` and from the built-in that fits it, so that both ``except ValueError``
and ``except neutone.errors.NeutoneError`` work.

>>> issubclass(ShapeError, ValueError) and issubclass(ShapeError, NeutoneError)
True
"""

from __future__ import annotations

import reprlib
import unicodedata

__all__ = [
    "AudioFileError",
    "AudioTypeError",
    "AudioWarning",
    "CancelledAudioWarning",
    "ClippedAudioWarning",
    "CompatibilityWarning",
    "ConfigurationError",
    "HostError",
    "IncompleteAudioWarning",
    "InferenceError",
    "MetadataError",
    "MissingExtraError",
    "MissingNameError",
    "ModelCheckWarning",
    "ModelFileError",
    "NativeSessionWarning",
    "NeutoneError",
    "NonFiniteAudioWarning",
    "OutputFileError",
    "ParameterError",
    "PluginWarning",
    "SandboxError",
    "SandboxWarning",
    "ShapeError",
    "UnknownParameterError",
    "UnknownPluginError",
    "UntrustedFileError",
    "WrapperWarning",
]

SHOWN_CHARACTERS = 80
LONGEST_MESSAGE = 1500
HARMLESS = "\n\t\u200c\u200d"
"""Control characters that are part of text: the last two join or separate letters in Persian, Hindi and emoji."""

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = SHOWN_CHARACTERS


def is_array(value: object) -> bool:
    """Return whether a value is an array or a tensor with at least one axis."""
    return getattr(value, "shape", ()) != () and hasattr(value, "dtype")


def shown(value: object) -> str:
    """Return the repr of a value for a message. Long ones are cut in the middle: a file may hold a name of 100 MB. An
    array is named by its shape.

    >>> shown("amp"), len(shown("x" * 1000))
    ("'amp'", 80)
    """
    if is_array(value):
        return f"an array of shape {tuple(value.shape)}"  # type: ignore[attr-defined]
    try:
        return _shortened.repr(value)
    except ValueError:  # Python does not write integers of more than 4300 digits
        return f"a {type(value).__name__} with too many digits to show"


def printable(text: str) -> str:
    """Return the text with escapes such as ``\\x1b`` in place of characters that a terminal would act on: control
    characters, invisible ones, and those that change the direction of writing.

    >>> printable("\x1b[2Jamp\u202e")
    '\\\\x1b[2Jamp\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in HARMLESS or unicodedata.category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def first_line(error: BaseException, longest: int | None = None) -> str:
    """Return the line of an error's message that says what went wrong, cut to at most `longest` characters.

    It is the first line, except for errors from TorchScript, which begin with a traceback and end with the reason.

    >>> first_line(ValueError("no such operator\\n  in graph 3")), first_line(KeyboardInterrupt())
    ('no such operator', 'KeyboardInterrupt')
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return (lines[-1] if lines[0].startswith("The following operation failed") else lines[0])[:longest]


def in_words(error: BaseException) -> str:
    """Return an error as one line: the message if neutone raised it on purpose, otherwise the type and the message.

    >>> in_words(ShapeError("audio is 1-D")), in_words(KeyError("w"))
    ('audio is 1-D', "KeyError: 'w'")
    """
    message = str(error) if isinstance(error, NeutoneError) else f"{type(error).__name__}: {error}"
    line = " ".join(message.split()) or type(error).__name__
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."


class NeutoneError(Exception):
    """The base class of all neutone exceptions.

    A message often repeats what a file says, and most messages end on a terminal. So it is made printable, and cut if
    it is very long."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_fit_for_a_message(argument) for argument in arguments))


def _fit_for_a_message(argument: object) -> object:
    if not isinstance(argument, str):
        return argument
    return printable(argument[:LONGEST_MESSAGE] + "..." if len(argument) > LONGEST_MESSAGE else argument)


class ShapeError(NeutoneError, ValueError):
    """An array has the wrong shape, channel count or number of frames."""


class AudioTypeError(NeutoneError, TypeError):
    """An argument is not an array, or not one of float32."""


class ParameterError(NeutoneError, ValueError):
    """A parameter value is NaN, out of its range, or not one of its labels."""


class UnknownParameterError(NeutoneError, KeyError):
    """The model does not declare a parameter of that name."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class ConfigurationError(NeutoneError, ValueError):
    """A sample rate, block size, level or option is not valid."""


class MetadataError(NeutoneError, ValueError):
    """Metadata exceeds a limit of the format."""


class ModelFileError(NeutoneError, ValueError):
    """A file is not a model that the backend can run."""


class AudioFileError(NeutoneError, OSError):
    """An audio file cannot be read or written."""


class OutputFileError(NeutoneError, OSError):
    """A file cannot be created or replaced."""


class InferenceError(NeutoneError, RuntimeError):
    """The model raised an exception while it ran. Its block became silence; the engine can still be used."""


class HostError(NeutoneError, RuntimeError):
    """An audio server or device cannot be used, or has gone away."""


class UntrustedFileError(NeutoneError, PermissionError):
    """A file that neutone has fetched would run its code, but the user has not trusted it."""


class SandboxError(NeutoneError, RuntimeError):
    """A sandboxed process was ended: it took too long or too much memory, crashed, or tried something forbidden."""


class UnknownPluginError(NeutoneError, LookupError):
    """No plug-in of that name, or for that file suffix, is installed."""


class MissingExtraError(NeutoneError, ImportError):
    """An optional dependency is not installed. The message names the extra that installs it."""


class MissingNameError(NeutoneError, ImportError):
    """A name of neutone_sdk is imported from ``neutone.compat``, but neutone does not have it yet."""


class PluginWarning(UserWarning):
    """An installed plug-in cannot be used: it is broken, or another has the same name."""


class SandboxWarning(UserWarning):
    """This system cannot take all rights from a sandboxed process."""


class NativeSessionWarning(UserWarning):
    """A session that could run without the GIL cannot do so on this system."""


class AudioWarning(UserWarning):
    """The base class of warnings about audio that is missing, or that was changed on its way."""


class IncompleteAudioWarning(AudioWarning):
    """An audio file holds less audio than its header promises."""


class NonFiniteAudioWarning(AudioWarning):
    """Samples that are NaN or infinite became silence."""


class ClippedAudioWarning(AudioWarning):
    """Samples beyond full scale were cut, because the output holds integers."""


class CancelledAudioWarning(AudioWarning):
    """Channels cancel each other when they are mixed for a model with fewer channels."""


class CompatibilityWarning(UserWarning):
    """The file that was written is valid, but other programs that read this format refuse it."""


class ModelCheckWarning(UserWarning):
    """An exported model does not behave as its metadata says."""


class WrapperWarning(UserWarning):
    """A wrapped model does something that neutone puts right, such as writing to its input."""
