"""The JACK host of neutone: plays an engine as a client of a JACK server. Needs ``pip install "neutone[jack]"``."""

from neutone_jack.host import JackHost

__all__ = ["JackHost"]
