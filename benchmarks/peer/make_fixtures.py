"""Model files written by the peer's own exporter, each with the output of the peer's own wrapper.

Usage, in the environment that setup.sh makes: ``python make_fixtures.py FOLDER``. It writes

- ``NAME.nm.xz``: the file as exported, compressed;
- ``NAME.npz``: ``rate`` (Hz) and ``size`` (frames a block) at which the model ran; ``audio`` (C_in, n) within
  -0.8..0.8; ``params`` (4,) in 0..1, the same for the whole run; ``expected`` (C_out, n): the wrapper's output, block
  by block, in eager mode.
"""

from __future__ import annotations

import logging
import lzma
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from neutone_sdk import WaveformToWaveformBase
from neutone_sdk.utils import save_neutone_model

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.peer_models import MODELS

BLOCKS = 8
PARAMS = (0.3, 0.65, 0.1, 0.9)
ANY_RATE, ANY_SIZE = 48_000, 256
"""The rate in Hz and the block size in frames for models that take any."""


def reference(model: WaveformToWaveformBase) -> dict[str, object]:
    """Run the wrapper on noise, and return the arrays for ``NAME.npz``."""
    rate = (model.get_native_sample_rates() or [ANY_RATE])[0]
    size = (model.get_native_buffer_sizes() or [ANY_SIZE])[0]
    channels = 1 if model.is_input_mono() else 2
    noise = np.random.default_rng(0).uniform(-0.8, 0.8, (channels, BLOCKS * size)).astype(np.float32)
    params = np.array(PARAMS, np.float32)
    held = torch.from_numpy(params)[:, None].repeat(1, size)
    model.set_sample_rate_and_buffer_size(rate, size)
    model.reset()
    with torch.no_grad():
        answers = [model(block, held).clone() for block in torch.from_numpy(noise).split(size, dim=1)]
    return {"rate": rate, "size": size, "audio": noise, "params": params, "expected": torch.cat(answers, 1).numpy()}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")  # torch.jit's warnings, because the peer calls it
    logging.disable(logging.INFO)  # the peer's report of its own export
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        with tempfile.TemporaryDirectory() as scratch:
            save_neutone_model(make(), Path(scratch), speed_benchmark=False, test_offline_mode=False)
            exported = (Path(scratch) / "model.nm").read_bytes()
        compressed = lzma.compress(exported, preset=9 | lzma.PRESET_EXTREME)
        (folder / f"{name}.nm.xz").write_bytes(compressed)
        np.savez_compressed(folder / f"{name}.npz", **reference(make()))
        size = (folder / f"{name}.npz").stat().st_size
        print(f"{name}: {len(exported)} bytes, {len(compressed)} compressed, reference {size}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_fixtures.py FOLDER")
    main(Path(sys.argv[1]))
