"""The JACK host of neutone: a client of a JACK server. Needs the package JACK-Client (the extra jack)."""

from neutone_jack.host import JackHost

__all__ = ["JackHost"]
