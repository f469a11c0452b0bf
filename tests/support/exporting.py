"""Models that are exported to ONNX and then compared with themselves."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from neutone import ModelMetadata
from neutone.sdk import WaveformToWaveformBase, export_onnx

MONO = {"is_input_mono": True, "is_output_mono": True, "native_sample_rates": [48_000]}
TRUE = 1e-5
"""The largest difference that a correct file may have."""


class Mono(WaveformToWaveformBase):
    """A mono model at 48 kHz. Its do_forward_pass is ``self.model``, unless a test overrides it."""

    metadata = ModelMetadata(model_name="mono", **MONO)

    def do_forward_pass(self, x: Any, params: dict[str, Any]) -> Any:
        return self.model(x)


def largest_difference(model: Any, path: Path, sizes: list[int]) -> float:
    """Return the largest difference between a model and its file, run by onnxruntime alone: blocks of these sizes one
    after another, with the state kept."""
    model = copy.deepcopy(model)
    model.prepare_for_inference()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    rows = next((given.shape[0] for given in session.get_inputs() if given.name == "params"), 0)
    look_behind = model.get_look_behind_samples()
    rng = np.random.default_rng(1)
    past = np.zeros((model.in_n_ch, look_behind), np.float32)
    state: dict[str, Any] = {}
    difference = 0.0
    model.set_sample_rate_and_buffer_size(48_000, max(sizes))
    model.reset()
    for size in sizes:
        audio = rng.uniform(-1, 1, (model.in_n_ch, size)).astype(np.float32)
        params = np.zeros((4, size), np.float32)
        params[:rows] = rng.random((rows, size))
        window = np.concatenate([past, audio], 1)
        past = window[:, window.shape[1] - look_behind :]
        fed = {"audio": window, **({"params": params[:rows]} if rows else {}), **state}
        out, *after = session.run(outputs, fed)
        state = {name.removeprefix("next_"): value for name, value in zip(outputs[1:], after, strict=True)}
        with torch.no_grad():
            expected = model(torch.from_numpy(audio), torch.from_numpy(params)).numpy()
        assert out.shape == expected.shape
        difference = max(difference, float(np.abs(out - expected).max()))
    return difference


def check(model: Any, folder: Path, sizes: tuple[int, ...] = (64, 64, 7, 7, 1, 300)) -> Any:
    """Export, and compare the file with the model at several sizes, at some of them over two blocks."""
    report = export_onnx(model, folder / "model.onnx")
    assert report.largest_difference < TRUE
    assert largest_difference(model, report.path, list(sizes)) < TRUE
    return report


class Recurrent(nn.Module):
    """One of PyTorch's recurrent layers over the samples. Its state is one buffer for h and one for c."""

    def __init__(self, kind: str, layout: str, layers: int, **options: Any) -> None:
        super().__init__()
        self.layout = layout
        self.rnn = getattr(nn, kind)(1, 4, layers, batch_first=layout == "batch first", **options)
        self.mix = nn.Linear(4, 1)
        shape = (layers, 4) if layout == "unbatched" else (layers, 1, 4)
        self.register_buffer("h", torch.zeros(shape))
        self.register_buffer("c", torch.zeros(shape))

    def forward(self, audio: Any) -> Any:
        x = {"unbatched": audio.t(), "batch first": audio.t()[None], "time first": audio.t()[:, None]}[self.layout]
        if isinstance(self.rnn, nn.LSTM):
            y, (self.h, self.c) = self.rnn(x, (self.h, self.c))
        else:
            y, self.h = self.rnn(x, self.h)
        return audio + self.mix(y).reshape(1, -1)


class Cached(nn.Module):
    """A causal convolution that replaces its buffer, or writes into it."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.conv = nn.Conv1d(1, 1, 5)
        self.register_buffer("cache", torch.zeros(1, 4))
        self.register_buffer("gain", torch.tensor(0.7))  # a buffer, but not state

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        window = torch.cat([self.cache, x], 1)
        after = window[:, -4:]
        if self.in_place:
            self.cache.copy_(after)
        else:
            self.cache = after.clone()
        return self.gain * self.conv(window[None])[0]
