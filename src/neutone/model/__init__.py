"""A model to the engine: its contract, its metadata and parameters, and the outside of the files that hold it."""
