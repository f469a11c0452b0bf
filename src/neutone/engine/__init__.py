"""The engine: runs a model at a host's sample rate and block size, in the caller's thread or in the background."""
