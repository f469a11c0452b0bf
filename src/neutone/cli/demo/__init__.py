"""``neutone demo``: the command, the takes that it renders, and their picture."""
