"""The queue of audio frames."""

from neutone.sdk import CircularInplaceTensorQueue

__all__ = ["CircularInplaceTensorQueue"]
