"""``neutone live``: the command, its display, and the keys that control it."""
