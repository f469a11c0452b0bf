"""What a model file may ask for.

A file of a few kilobytes can claim a state of gigabytes; it is refused before anything of that size is made. The limits
are far above what models need, and each is checked wherever the number is read.
"""

from __future__ import annotations

MAX_CHANNELS = 1024
"""of a host or a model; NT_CHANNELS_MAX of the core"""
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1000, 384_000
"""of a model, Hz"""
MAX_BUFFER_SIZE = 65_536
"""of a model, frames"""
MAX_LOOK_BEHIND = 1 << 20
"""frames"""
MAX_DELAY = 1 << 24
"""of a model, frames: almost six minutes at 48 kHz"""
MAX_PARAMETERS = 256
HOST_PARAMETERS = 4
"""of a ``.nm`` file: its hosts send so many rows, declared or not"""
MAX_AUDIO_FLOATS = 1 << 26
"""channels times frames that a session exchanges audio in, look-behind included"""
MAX_STATE_BYTES = 1 << 28
"""of all state tensors of a model together"""
MAX_METADATA_BYTES = 1 << 24
"""of metadata as JSON: three pairs of sounds, in base64, take up to 6 MB"""
MAX_METADATA_DEPTH = 32
"""of lists and objects in each other; a model's own metadata needs four"""
MAX_METADATA_VALUES = 100_000
"""in it: millions of empty lists would take a hundred times the bytes of their text"""
