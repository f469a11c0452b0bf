"""Wrappers as people write them: without types, and with ``@torch.no_grad()`` on a method."""

from __future__ import annotations

import linecache
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import ModelFileError
from support.command_line import call

torch = pytest.importorskip("torch")
from neutone.sdk import export_onnx, save_neutone_model, script  # noqa: E402
from neutone.sdk.wrap.source import open_wrapper  # noqa: E402

HEADER = """
import torch
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase

def halved(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x

class Half(torch.nn.Module):
    def forward(self, x):
        return halved(x)

class Drive(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="Drive", is_input_mono=True, is_output_mono=True)
    neutone_parameters = [ContinuousNeutoneParameter("drive", "gain", 0.5)]

"""

WAYS = {
    "no types": "def do_forward_pass(self, x, params):\n    return torch.tanh(x * params['drive'])",
    "other names": "def do_forward_pass(self, audio, knobs):\n    return torch.tanh(audio * knobs['drive'])",
    "some types": "def do_forward_pass(self, x: torch.Tensor, params):\n    return torch.tanh(x * params['drive'])",
    "one line": "def do_forward_pass(self, x, params): return torch.tanh(x * params['drive'])",
    "many lines": """
        def do_forward_pass(
            self,
            x,  # the audio
            params,
        ):
            # the drive is
            # a gain
            return torch.tanh(x * params['drive'])
    """,
    "a default": "def do_forward_pass(self, x, params=None):\n    return torch.tanh(x * params['drive'])",
    "no gradients": """
        @torch.no_grad()
        def do_forward_pass(self, x, params):
            return torch.tanh(2.0 * halved(x) * params['drive'])
    """,
    "typed, no gradients": """
        @torch.no_grad()
        def do_forward_pass(self, x: torch.Tensor, params: dict[str, torch.Tensor]) -> torch.Tensor:
            return torch.tanh(2.0 * halved(x) * params['drive'])
    """,
    "inference mode": """
        @torch.inference_mode()
        def do_forward_pass(self, x, params):
            return torch.tanh(2.0 * halved(x) * params['drive'])
    """,
    "every method": """
        def __init__(self):
            super().__init__(Half())
            self.gain = 2.0

        def is_input_mono(self): return True

        def get_native_sample_rates(self): return [48000]

        def set_model_sample_rate_and_buffer_size(self, rate, frames):
            self.gain = 2.0 * (rate // 48000)
            return True

        def reset_model(self): return True

        def aggregate_params(self, p): return p.mean(1, keepdim=True)

        def calc_model_delay_samples(self): return 0

        @torch.no_grad()
        def do_forward_pass(self, x, params):
            return torch.tanh(self.model(x) * self.gain * params['drive'])
    """,
    "a variable of the function around it": "do_forward_pass = make(torch.tanh)",
}


def written(tmp_path: Path, method: str) -> str:
    """Write a wrapper with this method to a file, and return its name for the command line."""
    path = tmp_path / "wrappers.py"
    make = """
        def make(function):
            def do_forward_pass(self, x, params):
                return function(x * params['drive'])
            return do_forward_pass
    """
    code = textwrap.indent(textwrap.dedent(method).strip(), "    ")
    path.write_text(textwrap.dedent(make) + HEADER + code + "\n")
    return f"{path}:Drive"


@pytest.mark.parametrize("method", WAYS.values(), ids=WAYS)
def test_export(tmp_path: Path, method: str) -> None:
    model = open_wrapper(written(tmp_path, method))
    audio = np.random.default_rng(0).uniform(-1, 1, (1, 4800)).astype(np.float32)
    save_neutone_model(model, tmp_path, speed_benchmark=False, test_offline_mode=False)
    files = ["model.nm"]
    if "torch." in method.partition("def")[0]:  # the decorators matter to PyTorch's exporter, too
        export_onnx(model, tmp_path / "model.onnx")
        files.append("model.onnx")
    for file in files:
        out = neutone.render(neutone.load(tmp_path / file), audio, 48_000)
        np.testing.assert_allclose(out, np.tanh(0.5 * audio), atol=1e-6)


def test_the_wrapper_stays_as_it_was(tmp_path: Path) -> None:
    model = open_wrapper(written(tmp_path, WAYS["no types"]))
    own, method, cached = type(model), type(model).do_forward_pass, set(linecache.cache)
    script(model)
    assert type(model) is own
    assert own.do_forward_pass is method
    assert method.__annotations__ == {}
    assert not {name for name in set(linecache.cache) - cached if name.startswith("<")}


def test_the_command_line(tmp_path: Path) -> None:
    result = call("export", written(tmp_path, WAYS["no types"]), tmp_path / "out", "--no-benchmark")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "model.nm").is_file()


def test_what_cannot_be_supplied_is_named(tmp_path: Path) -> None:
    """A method of the author's own takes a dictionary: nothing says so but the author."""
    method = """
        def driven(self, x, knobs):
            return x * knobs['drive']

        def do_forward_pass(self, x, params):
            return torch.tanh(self.driven(x, params))
    """
    model: Any = open_wrapper(written(tmp_path, method))
    with pytest.raises(ModelFileError) as raised:
        save_neutone_model(model, tmp_path, speed_benchmark=False)
    message = str(raised.value)
    assert "wrappers.py, line" in message
    assert "return x * knobs['drive']" in message
    assert "knobs: dict[str, Tensor]" in message
    assert "\n" not in message
    assert len(message) < 400
