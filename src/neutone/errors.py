"""Every exception that neutone raises on purpose: one small family.

Each class is rooted twice, in :class:`NeutoneError` and in the built-in that fits, so that ``except ValueError`` and
``except neutone.errors.NeutoneError`` both work.

>>> issubclass(ShapeError, ValueError) and issubclass(ShapeError, NeutoneError)
True
"""

from __future__ import annotations

import reprlib
import unicodedata

__all__ = [
    "AudioFileError",
    "AudioTypeError",
    "CompatibilityWarning",
    "ConfigurationError",
    "HostError",
    "IncompleteAudioWarning",
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
    "UntrustedFileError",
]

SHOWN_CHARACTERS = 80
LONGEST_MESSAGE = 1500
HARMLESS = "\n\t\u200c\u200d"
"""control characters that are text: the last two join or separate letters in Persian, Hindi and emoji"""

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = SHOWN_CHARACTERS


def shown(value: object) -> str:
    """The repr of a value for a message, cut in the middle where it is long: a file may hold a name of 100 MB.

    >>> shown("amp"), len(shown("x" * 1000))
    ("'amp'", 80)
    """
    return _shortened.repr(value)


def printable(text: str) -> str:
    """The text with escapes such as ``\\x1b`` in place of characters that a terminal would act on: control characters,
    and those that change the direction of writing or cannot be seen.

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
    """The line of an error's message that says what went wrong, cut to at most `longest` characters.

    It is the first one, except for TorchScript, whose traceback comes first and ends with the reason.

    >>> first_line(ValueError("no such operator\\n  in graph 3")), first_line(KeyboardInterrupt())
    ('no such operator', 'KeyboardInterrupt')
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return (lines[-1] if lines[0].startswith("The following operation failed") else lines[0])[:longest]


def in_words(error: BaseException) -> str:
    """An error on one line: the message of one that neutone raises on purpose, with its type before it otherwise.

    >>> in_words(ShapeError("audio is 1-D")), in_words(KeyError("w"))
    ('audio is 1-D', "KeyError: 'w'")
    """
    message = str(error) if isinstance(error, NeutoneError) else f"{type(error).__name__}: {error}"
    line = " ".join(message.split()) or type(error).__name__
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."


class NeutoneError(Exception):
    """The root of the family. A message often repeats what a file says, and most end on a terminal: it is made
    printable, and is cut if it is very long."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_fit_for_a_message(argument) for argument in arguments))


def _fit_for_a_message(argument: object) -> object:
    if not isinstance(argument, str):
        return argument
    return printable(argument[:LONGEST_MESSAGE] + "..." if len(argument) > LONGEST_MESSAGE else argument)


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


class UntrustedFileError(NeutoneError, PermissionError):
    """A file that was fetched would run its code, and nobody has said that it may."""


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


class IncompleteAudioWarning(UserWarning):
    """An audio file holds less than its header promises."""


class CompatibilityWarning(UserWarning):
    """What was written is within the format, but other programs that read it refuse it."""


class ModelCheckWarning(UserWarning):
    """An exported model does not do what it says of itself."""
