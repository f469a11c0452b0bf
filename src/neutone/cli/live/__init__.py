"""``neutone live``: the command, its keys, and the display that they change."""
