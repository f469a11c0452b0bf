"""The parts of the guitar amp example: signals, circuit simulator, network, training, evaluation, export."""
