"""``neutone demo``: the command, the takes that it renders, and the picture of them."""
