"""PortAudio, imported on first use, and the devices that it finds."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, TypeAlias

from neutone.errors import ConfigurationError, HostError, MissingExtraError
from neutone.installing import install_command

DeviceChoice: TypeAlias = int | str | None
"""A device: its index, part of its name, or None for the default device."""


@dataclass(frozen=True, slots=True)
class PortAudioDevice:
    """A device of one host API. A sound card may appear under several host APIs.

    Attributes:
        index: The number by which the device can be chosen.
        name: The name of the device.
        host_api: The name of the host API, such as "ALSA", "JACK Audio Connection Kit" or "Core Audio".
        input_channels: The most input channels.
        output_channels: The most output channels.
        sample_rate: The default sample rate in Hz.
    """

    index: int
    name: str
    host_api: str
    input_channels: int
    output_channels: int
    sample_rate: int


def require_sounddevice() -> Any:
    """Return the module sounddevice, or raise an error that says what to install."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError(
            f"the PortAudio host needs sounddevice, which is not installed: {install_command('neutone[portaudio]')}"
        ) from error
    except OSError as error:
        raise MissingExtraError(
            "the PortAudio host needs the library PortAudio, which is not installed: on Debian and Ubuntu it is the "
            "package libportaudio2"
        ) from error
    return sounddevice


def list_devices() -> list[PortAudioDevice]:
    """Return all devices, as PortAudio found them when it was loaded."""
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
    """Return the choice of input and output device.
    Raises :class:`~neutone.errors.ConfigurationError` if it is not valid."""
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
    """Return the device for ``"input"`` or ``"output"``.
    Raises :class:`~neutone.errors.HostError`, which lists the devices, if there is none."""
    sounddevice = require_sounddevice()
    try:
        found = sounddevice.query_devices(choice, kind)
    except (ValueError, sounddevice.PortAudioError) as error:
        there = "; ".join(f"{device.index} {device.name} ({device.host_api})" for device in list_devices()) or "none"
        wanted = "default device" if choice is None else f"device {choice!r}"
        raise HostError(f"no {wanted} for {kind}; devices: {there}") from error
    index: int = found["index"]
    return list_devices()[index]
