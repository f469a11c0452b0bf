"""Models as the engine sees them: the contract, metadata and parameters, and checks of a file before it is opened."""
