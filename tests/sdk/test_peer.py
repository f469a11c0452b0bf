"""Files that this package saves, in the peer's environment: neutone_sdk 1.5.2 loads, measures and plays them alike.

The environment is the folder in NEUTONE_PEER, or build/peer; ``benchmarks/peer/setup.sh build/peer`` makes it. The
reverse, playing the peer's files here, is tested in test_torchscript_nm.py."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from neutone import ModelMetadata
from neutone.errors import CompatibilityWarning
from support.places import ROOT

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import (  # noqa: E402
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    WaveformToWaveformBase,
    load_neutone_model,
    save_neutone_model,
)

PEER = Path(os.environ.get("NEUTONE_PEER", ROOT / "build" / "peer"))
PYTHON = PEER / "bin" / "python"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not PYTHON.is_file(),
        reason=f"neutone_sdk 1.5.2 is not in {PEER}: run benchmarks/peer/setup.sh build/peer, or set NEUTONE_PEER",
    ),
]

HOSTS = ((44_100, 512), (48_000, 128), (48_000, 2048))

# This runs in the peer's environment: its own loader, validator and benchmarks, then audio from a file.
PLAY = """
import json, logging, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np, torch
from neutone_sdk.benchmark import benchmark_latency_, benchmark_speed_
from neutone_sdk.utils import check_for_preserved_attributes, load_neutone_model

folder, hosts = sys.argv[1], json.loads(sys.argv[2])
given = np.load(folder + "/given.npz")
path = folder + "/model.nm"
model, metadata = load_neutone_model(path)
check_for_preserved_attributes(model, model.get_preserved_attributes())
stated = dict(metadata)
del stated["sample_sound_files"]
assert stated == model.to_metadata()
answers = {}
audio, params = torch.from_numpy(given["audio"]), torch.from_numpy(given["params"])
with torch.no_grad():
    for rate, block in hosts:
        model.set_daw_sample_rate_and_buffer_size(rate, block)
        model.reset()
        blocks = zip(audio.split(block, 1), params.split(block, 1))
        answers[f"{rate}/{block}"] = torch.cat([model.forward(x, p).clone() for x, p in blocks], 1).numpy()
        answers[f"delay {rate}/{block}"] = model.calc_buffering_delay_samples() + model.calc_model_delay_samples()
    answers["offline"] = model.forward_offline(audio, params).numpy()
np.savez(folder + "/answers.npz", **answers)
benchmark_speed_(path, buffer_size=(128, 2048), repeat=3, n_iters=10)
benchmark_latency_(path, buffer_size=(128, 2048))
"""

LOAD = """
import logging, sys, warnings
warnings.filterwarnings("ignore")
from neutone_sdk.utils import load_neutone_model
load_neutone_model(sys.argv[1])
"""


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm = nn.LSTM(2, 8, batch_first=True)
        self.out = nn.Linear(8, 2)
        self.register_buffer("h", torch.zeros(1, 1, 8))
        self.register_buffer("c", torch.zeros(1, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        y, (h, c) = self.lstm(x.t().unsqueeze(0), (self.h, self.c))
        self.h, self.c = h, c
        return self.out(y).squeeze(0).t()


class Recurrent(WaveformToWaveformBase):
    metadata = ModelMetadata(
        model_name="Recurrent", model_authors=["A"], native_sample_rates=[44_100], native_buffer_sizes=[512, 1024]
    )
    neutone_parameters: ClassVar[list[Any]] = [
        ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 5.0),
        ContinuousNeutoneParameter("mix", "of the network", 0.5),
    ]

    def __init__(self) -> None:
        super().__init__(Network())

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x * params["drive"]) * params["mix"] + x

    def reset_model(self) -> bool:
        self.model.h = torch.zeros_like(self.model.h)
        self.model.c = torch.zeros_like(self.model.c)
        return True


class LooksBehind(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="Looks behind", look_behind_samples=16, is_input_mono=True, is_output_mono=True)

    def calc_model_delay_samples(self) -> int:
        return 16

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return torch.tanh(x[:, :-16]) + 0.1 * x[:, 16:]


MODELS = (Recurrent, LooksBehind)


def peer(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PYTHON), "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=PEER
    )


@pytest.mark.parametrize("kind", MODELS)
def test_the_peer_plays_our_file_alike(kind: type[Any], tmp_path: Path) -> None:
    report = save_neutone_model(kind(), tmp_path, dump_samples=True, submission=True, speed_benchmark=False)
    rng = np.random.default_rng(0)
    frames = 8 * 2048
    given = {
        "audio": rng.uniform(-0.5, 0.5, (2, frames)).astype(np.float32),
        "params": np.repeat(rng.random((4, 8)), 2048, axis=1).astype(np.float32),
    }
    np.savez(tmp_path / "given.npz", **given)
    result = peer(PLAY, tmp_path, json.dumps(HOSTS))
    assert result.returncode == 0, result.stderr
    answers = np.load(tmp_path / "answers.npz")

    module: Any = load_neutone_model(report.path)[0]
    audio, params = torch.from_numpy(given["audio"]), torch.from_numpy(given["params"])
    with torch.no_grad():
        for rate, block in HOSTS:
            module.set_daw_sample_rate_and_buffer_size(rate, block)
            module.reset()
            blocks = zip(audio.split(block, 1), params.split(block, 1), strict=True)
            expected = torch.cat([module.forward(x, p).clone() for x, p in blocks], 1).numpy()
            assert np.abs(expected).max() > 0.1
            np.testing.assert_allclose(answers[f"{rate}/{block}"], expected, atol=1e-5)
            delay = module.calc_buffering_delay_samples() + module.calc_model_delay_samples()
            assert answers[f"delay {rate}/{block}"] == delay
        np.testing.assert_allclose(answers["offline"], module.forward_offline(audio, params).numpy(), atol=1e-5)

    # The peer's benchmarks write to its log.
    lines = result.stderr.splitlines()
    assert sum("1/RTF" in line for line in lines) == 2
    assert sum("Total delay" in line for line in lines) == 2


class Choosy(Recurrent):
    neutone_parameters: ClassVar[list[Any]] = [
        CategoricalNeutoneParameter("drive", "which", 3, 1),
        ContinuousNeutoneParameter("mix", "of the network", 0.5),
    ]


class HighRate(LooksBehind):
    metadata = ModelMetadata(
        model_name="High rate",
        native_sample_rates=[192_000],
        look_behind_samples=16,
        is_input_mono=True,
        is_output_mono=True,
    )


@pytest.mark.parametrize("kind", [Choosy, HighRate])
def test_what_we_warn_of_the_peer_refuses(kind: type[Any], tmp_path: Path) -> None:
    with pytest.warns(CompatibilityWarning):
        report = save_neutone_model(kind(), tmp_path, speed_benchmark=False)
    result = peer(LOAD, report.path)
    assert result.returncode != 0
    assert "ValidationError" in result.stderr
