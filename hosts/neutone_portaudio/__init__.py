"""The PortAudio host of neutone: plays an engine on a sound card. Needs ``pip install "neutone[portaudio]"``."""

from neutone_portaudio.devices import PortAudioDevice
from neutone_portaudio.host import PortAudioHost

__all__ = ["PortAudioDevice", "PortAudioHost"]
