"""The limits on what a model file may ask for.

A file of a few kilobytes can claim a state of gigabytes; it is refused before anything of that size is allocated. The
limits are far above what models need. Each is checked wherever the number is read.
"""

from __future__ import annotations

MAX_CHANNELS = 1024
"""The most channels of a host or a model; NT_CHANNELS_MAX in the core."""
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1000, 384_000
"""The range of a model's sample rate in Hz."""
MAX_BUFFER_SIZE = 65_536
"""The largest block size of a model in frames."""
MAX_LOOK_BEHIND = 1 << 20
"""The most frames of look-behind."""
MAX_DELAY = 1 << 24
"""The longest delay of a model in frames: almost six minutes at 48 kHz."""
MAX_PARAMETERS = 256
HOST_PARAMETERS = 4
"""The parameter rows of a ``.nm`` file: its hosts always send this many, declared or not."""
MAX_AUDIO_FLOATS = 1 << 26
"""The most floats in a session's audio arrays: channels times frames, look-behind included."""
MAX_STATE_BYTES = 1 << 28
"""The most bytes in all state tensors of a model together."""
MAX_METADATA_BYTES = 1 << 24
"""The most bytes of metadata as JSON. Three pairs of sounds in base64 take up to 6 MB."""
MAX_METADATA_DEPTH = 32
"""The deepest nesting of lists and objects in metadata. A model's own metadata needs four levels."""
MAX_METADATA_VALUES = 100_000
"""The most values in metadata: millions of empty lists would take a hundred times the memory of their text."""
