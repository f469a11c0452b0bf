"""The pure-Python host of neutone: a callback that any audio library can call."""

from neutone_callback.host import CallbackHost

__all__ = ["CallbackHost"]
