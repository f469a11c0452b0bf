"""PortAudio, imported where it is first needed, and the devices that it sees."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, TypeAlias

from neutone.errors import ConfigurationError, HostError, MissingExtraError

DeviceChoice: TypeAlias = int | str | None
"""An index, part of a name, or the default device."""


@dataclass(frozen=True, slots=True)
class PortAudioDevice:
    """One device of one host API; a sound card may appear under several."""

    index: int
    name: str
    host_api: str
    """e.g. "ALSA", "JACK Audio Connection Kit", "Core Audio" """
    input_channels: int
    """at most"""
    output_channels: int
    """at most"""
    sample_rate: int
    """its default, Hz"""


def require_sounddevice() -> Any:
    """The module sounddevice, or an error that says what to install."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError(
            'the PortAudio host needs sounddevice, which is not installed: pip install "neutone[portaudio]"'
        ) from error
    except OSError as error:
        raise MissingExtraError(
            "the PortAudio host needs the library PortAudio, which is not installed: on Debian and Ubuntu it is the "
            "package libportaudio2"
        ) from error
    return sounddevice


def list_devices() -> list[PortAudioDevice]:
    """All of them, as PortAudio saw them when it was loaded."""
    sounddevice = require_sounddevice()
    apis = sounddevice.query_hostapis()
    return [
        PortAudioDevice(
            index,
            found["name"],
            apis[found["hostapi"]]["name"],
            found["max_input_channels"],
            found["max_output_channels"],
            round(found["default_samplerate"]),
        )
        for index, found in enumerate(sounddevice.query_devices())
    ]


def pair_of_devices(choice: DeviceChoice | tuple[DeviceChoice, DeviceChoice]) -> tuple[DeviceChoice, DeviceChoice]:
    """For input and output. Raises :class:`~neutone.errors.ConfigurationError` for what names no device."""
    both = choice if isinstance(choice, tuple) else (choice, choice)
    if len(both) != 2:
        raise ConfigurationError(f"device is {choice!r}, expected one device, or a pair for input and output")
    return _checked(both[0]), _checked(both[1])


def _checked(choice: DeviceChoice) -> DeviceChoice:
    if choice is None or (isinstance(choice, str) and choice):
        return choice
    try:
        if not isinstance(choice, bool | str):
            return operator.index(choice)
    except TypeError:
        pass
    raise ConfigurationError(f"device is {choice!r}, expected an index, part of a name, or None for the default device")


def find_device(choice: DeviceChoice, kind: str) -> PortAudioDevice:
    """The device for ``"input"`` or ``"output"``. Raises :class:`~neutone.errors.HostError`, which lists what there
    is."""
    sounddevice = require_sounddevice()
    try:
        found = sounddevice.query_devices(choice, kind)
    except (ValueError, sounddevice.PortAudioError) as error:
        there = "; ".join(f"{device.index} {device.name} ({device.host_api})" for device in list_devices()) or "none"
        wanted = "default device" if choice is None else f"device {choice!r}"
        raise HostError(f"no {wanted} for {kind}; devices: {there}") from error
    index: int = found["index"]
    return list_devices()[index]
