"""Wrapped models with various rates and block sizes, inside the SDK's SampleQueueWrapper."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import neutone
from neutone import ModelMetadata
from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase, load_script, save_script, script
from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper

RATES = (44_100, 48_000, 96_000, 22_050)
BLOCKS = (1, 64, 128, 441, 512, 2048)


class Echo(WaveformToWaveformBase):
    """Amplifies by a parameter at sample granularity, and adds a delayed copy whose level is a second parameter. The
    output shows every frame that is lost, doubled or out of step, and blocks in the wrong order."""

    late = 3

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.ones(()))
        self.register_buffer("memory", torch.zeros(self.in_n_ch, self.late))

    def get_neutone_parameters(self) -> list[Any]:
        return [
            ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 5.0),
            ContinuousNeutoneParameter("echo", "level", 0.25),
        ]

    def aggregate_params(self, params: Tensor) -> Tensor:
        return params

    def calc_model_delay_samples(self) -> int:
        return 3

    def reset_model(self) -> bool:
        self.memory = torch.zeros_like(self.memory)
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        past = torch.cat([self.memory, x], dim=1)
        self.memory = past[:, -3:].clone()
        y = torch.tanh(past[:, :-3] * params["drive"]) * self.level + x * params["echo"]
        if y.size(0) == 1 and not self.is_output_mono():
            y = torch.cat([y, 0.5 * y])
        return y[:1] if self.is_output_mono() else y


def described(**fields: Any) -> ModelMetadata:
    return ModelMetadata(model_name="Echo", **fields)


class Peer(Echo):
    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[2048])


class MonoToStereo(Echo):
    metadata = described(native_sample_rates=[48_000], native_buffer_sizes=[512], is_input_mono=True)


class Choosy(Echo):
    metadata = described(
        native_sample_rates=[22_050, 44_100],
        native_buffer_sizes=[256, 441, 512],
        is_input_mono=True,
        is_output_mono=True,
    )


class AnyBlock(Echo):
    metadata = described(native_sample_rates=[44_100], is_output_mono=True)


class AnyRate(Echo):
    metadata = described(native_buffer_sizes=[100])


class AnyThing(Echo):
    metadata = described()


class LooksBehind(WaveformToWaveformBase):
    metadata = described(native_sample_rates=[48_000], look_behind_samples=5, is_input_mono=True, is_output_mono=True)

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x[:, 5:] + 0.5 * x[:, :-5]


MODELS = (Peer, MonoToStereo, Choosy, AnyBlock, AnyRate, AnyThing, LooksBehind)


@functools.cache
def wrapped(kind: type[Any], resampler: str = "hermite") -> tuple[Any, Any]:
    """Return the wrapper, scripted, saved and loaded, and neutone's model from the same file."""
    model = kind()
    scripted = script(SampleQueueWrapper(model, resampler=resampler))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.nm"
        save_script(scripted, path, {"metadata.json": model.get_metadata_json()})
        return load_script(path)[0], neutone.load(path)


def noise(channels: int, frames: int, seed: int = 0) -> Tensor:
    return torch.rand(channels, frames, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def curves(frames: int) -> Tensor:
    """Return curves of shape (4, frames): slow sines."""
    rows = [0.5 + 0.5 * torch.sin(torch.arange(frames) * 2 * torch.pi / period) for period in (900, 1300, 700, 500)]
    return torch.stack(rows)


def drive(wrapper: Any, audio: Tensor, params: Tensor | None, block: int) -> Tensor:
    """Run whole blocks through `forward`, and return the output."""
    out = []
    for start in range(0, audio.size(1) - block + 1, block):
        at = slice(start, start + block)
        out.append(wrapper.forward(audio[:, at], None if params is None else params[:, at]).clone())
    return torch.cat(out, dim=1)


def compare(kind: type[Any], rate: int, block: int, channels: int = 2, resampler: str = "hermite") -> float:
    """Return the largest difference from the compiled stream. Their delays must be equal."""
    wrapper, model = wrapped(kind, resampler)
    wrapper.set_daw_sample_rate_and_buffer_size(rate, block)
    with neutone.Engine(model, rate, block, channels, resampler=resampler) as engine:
        latency = engine.latency
        assert wrapper.calc_buffering_delay_samples() == latency.resampling + latency.buffering
        assert wrapper.calc_model_delay_samples() == latency.model
        assert wrapper.is_resampling() == (engine.model_sample_rate != rate)
        frames = -(-(latency.total + (1500 if block > 1 else 500)) // block) * block
        audio, params = noise(channels, frames), curves(frames)
        declared = len(model.metadata.parameters)
        out = drive(wrapper, audio, params, block)
        expected = [
            engine.process(
                audio[:, start : start + block].numpy().copy(),
                params=params[:declared, start : start + block].numpy().copy(),
            )
            for start in range(0, frames, block)
        ]
        assert engine.stats.starved_frames == 0
    assert out.abs().max() > 0.1
    return float(np.abs(out.numpy() - np.concatenate(expected, axis=1)).max())
