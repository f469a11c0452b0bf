"""Check that the exported file computes the same as the PyTorch network."""

import numpy as np
import torch

from .evaluation import AmpSession
from .network import AmpNetwork

BLOCKS = 50
BLOCK_SIZES = (1, 64, 480, 512)


def largest_difference(network: AmpNetwork, model: bytes, seed: int = 7) -> float:
    """Return the largest difference over 50 blocks of various lengths, with noise of all levels and moving knobs.
    The state is kept between blocks."""
    generator = np.random.default_rng(seed)
    session = AmpSession(model)
    state = network.initial_state(1)
    largest = 0.0
    for _ in range(BLOCKS):
        frames = int(generator.choice(BLOCK_SIZES))
        noise = generator.uniform(-1.0, 1.0, frames) * 10.0 ** generator.uniform(-3.0, 0.0)
        turning = generator.uniform(0.0, 1.0, (2, 1)) * np.linspace(0.5, 1.0, frames)
        audio, params = noise.astype(np.float32), turning.astype(np.float32)
        with torch.no_grad():
            expected, state = network(
                torch.from_numpy(audio)[:, None], torch.from_numpy(params.T.copy())[:, None], state
            )
        difference = np.abs(expected[:, 0].numpy() - session.run(audio, params))
        largest = max(largest, float(np.max(difference)))
    return largest
