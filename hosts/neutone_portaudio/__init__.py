"""The PortAudio host of neutone: a sound card. Needs the package sounddevice (the extra portaudio)."""

from neutone_portaudio.devices import PortAudioDevice
from neutone_portaudio.host import PortAudioHost

__all__ = ["PortAudioDevice", "PortAudioHost"]
