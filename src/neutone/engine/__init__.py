"""The engine: a model at work at a host's rate and block size, in the caller's thread or beside it."""
