"""The SDK's SampleQueueWrapper: scripted, saved and loaded, it does what the compiled stream does around the same
model."""

import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neutone
from neutone import ModelMetadata

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import (  # noqa: E402
    ContinuousNeutoneParameter,
    WaveformToWaveformBase,
    load_script,
    quiet_torchscript,
    save_script,
    script,
)
from neutone.sdk.sample_queue_wrapper import SampleQueueWrapper  # noqa: E402

RATES = (44_100, 48_000, 96_000, 22_050)
BLOCKS = (1, 64, 128, 441, 512, 2048)


class Echo(WaveformToWaveformBase):
    """Drives by a parameter at sample granularity, and adds a delayed copy whose level is a second parameter: it shows
    every frame that is lost, doubled or out of step, and blocks that come in the wrong order."""

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
    """The wrapper, scripted, saved and loaded, and the same file in neutone."""
    model = kind()
    scripted = script(SampleQueueWrapper(model, resampler=resampler))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.nm"
        save_script(scripted, path, {"metadata.json": model.get_metadata_json()})
        return load_script(path)[0], neutone.load(path)


def noise(channels: int, frames: int, seed: int = 0) -> Tensor:
    return torch.rand(channels, frames, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def curves(frames: int) -> Tensor:
    """(4, frames) of slow sines."""
    rows = [0.5 + 0.5 * torch.sin(torch.arange(frames) * 2 * torch.pi / period) for period in (900, 1300, 700, 500)]
    return torch.stack(rows)


def drive(wrapper: Any, audio: Tensor, params: Tensor | None, block: int) -> Tensor:
    """Through forward, block by block; whole blocks only."""
    out = []
    for start in range(0, audio.size(1) - block + 1, block):
        at = slice(start, start + block)
        out.append(wrapper.forward(audio[:, at], None if params is None else params[:, at]).clone())
    return torch.cat(out, dim=1)


def compare(kind: type[Any], rate: int, block: int, channels: int = 2, resampler: str = "hermite") -> float:
    """The largest difference from the compiled stream; their delays must be equal."""
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


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", MODELS)
def test_it_answers_as_the_compiled_stream(kind: type[Any], rate: int) -> None:
    for block in BLOCKS:
        assert compare(kind, rate, block) < 1e-5, block


@settings(max_examples=25)
@given(
    kind=st.sampled_from(MODELS),
    rate=st.sampled_from([*RATES, 8000, 44_101, 192_000]) | st.integers(8000, 192_000),
    block=st.integers(1, 3000),
    channels=st.integers(1, 2),
    resampler=st.sampled_from(["hermite", "linear"]),
)
def test_it_answers_as_the_compiled_stream_anywhere(
    kind: type[Any], rate: int, block: int, channels: int, resampler: str
) -> None:
    assert compare(kind, rate, block, channels, resampler) < 1e-5


@pytest.mark.parametrize(
    ("rate", "block", "delay"),
    [(48_000, 2048, 2231), (48_000, 512, 2231), (96_000, 512, 4459), (44_100, 512, 1536), (44_100, 2048, 0)],
)
def test_delays_of_the_documentation(rate: int, block: int, delay: int) -> None:
    wrapper, _ = wrapped(Peer)
    wrapper.set_daw_sample_rate_and_buffer_size(rate, block)
    assert wrapper.calc_buffering_delay_samples() == delay


@pytest.mark.parametrize("kind", [Peer, AnyBlock])
def test_eager_is_scripted(kind: type[Any]) -> None:
    """Also in debug mode, and with no parameters given: then the defaults."""
    scripted, _ = wrapped(kind)
    eager = SampleQueueWrapper(kind(), daw_sr=48_000, daw_bs=300)
    scripted.set_daw_sample_rate_and_buffer_size(48_000, 300)
    audio = noise(2, 9000)
    out = drive(scripted, audio, None, 300)
    assert torch.equal(drive(eager, audio, None, 300), out)
    scripted.reset()
    defaults = scripted.get_default_param_values()
    assert defaults.shape == (4, 1)
    assert defaults.flatten().tolist() == [0.25, 0.25, 0.0, 0.0]
    assert torch.equal(drive(scripted, audio, defaults.repeat(1, 9000), 300), out)
    assert not out.requires_grad


# -- the background thread ---------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    kind=st.sampled_from([Peer, MonoToStereo, AnyBlock, AnyRate]),
    rate=st.sampled_from(RATES),
    block=st.integers(1, 3000),
    channels=st.integers(1, 2),
)
def test_background_is_as_late_as_forward(kind: type[Any], rate: int, block: int, channels: int) -> None:
    """A host that plays what comes, in order, and silence before the first, hears what forward answers, is never
    starved, and never keeps more than it was told."""
    wrapper, _ = wrapped(kind)
    largest = wrapper.set_daw_sample_rate_and_buffer_size(rate, block)
    count = -(-(wrapper.calc_buffering_delay_samples() + 1500) // block) + 1
    audio, params = noise(channels, count * block), curves(count * block)
    expected = drive(wrapper, audio, params, block)
    wrapper.reset()
    kept, played, started = torch.zeros(channels, 0), [], False
    for index in range(count):
        at = slice(index * block, (index + 1) * block)
        answer = wrapper.forward_bt(audio[:, at], params[:, at])
        if answer is not None:
            assert answer.size(1) % block == 0
            assert answer.size(1) > 0
            assert answer.is_contiguous()
            kept, started = torch.cat([kept, answer], dim=1), True
        assert kept.size(1) <= largest
        if started:
            assert kept.size(1) >= block
            played.append(kept[:, :block])
            kept = kept[:, block:]
        else:
            played.append(torch.zeros(channels, block))
    assert torch.equal(torch.cat(played, dim=1), expected)


# -- offline -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Peer, Choosy, AnyBlock, AnyThing])
@pytest.mark.parametrize("length", [0, 1, 77, 5000])
def test_offline_is_online_without_its_delay(kind: type[Any], length: int) -> None:
    wrapper, _ = wrapped(kind)
    for rate, block in ((48_000, 128), (44_100, 441), (96_000, 5000)):
        wrapper.set_daw_sample_rate_and_buffer_size(rate, block)
        late = wrapper.calc_buffering_delay_samples() + wrapper.calc_model_delay_samples()
        audio = noise(2, length)
        params = curves(length) if length else torch.zeros(4, 0)
        fed = nn.functional.pad(audio, (0, late + block))
        held = torch.cat([params, params[:, -1:].expand(-1, late + block)], dim=1) if length else None
        online = drive(wrapper, fed, held, block)[:, late : late + length]
        wrapper.forward(noise(2, block, seed=1))  # that it must forget
        offline = wrapper.forward_offline(audio, params)
        assert offline.shape == audio.shape
        assert torch.equal(offline, online)
        wrapper.reset()


def test_offline_refuses_other_lengths() -> None:
    with pytest.raises(ValueError, match="for 10 frames"):
        SampleQueueWrapper(AnyThing()).forward_offline(torch.zeros(2, 10), torch.zeros(4, 9))


def test_an_impulse_comes_out_where_it_is_said_to() -> None:
    wrapper, _ = wrapped(Peer)
    wrapper.set_daw_sample_rate_and_buffer_size(44_100, 300)
    audio = torch.zeros(2, 9000)
    audio[:, 0] = 1.0
    params = torch.zeros(4, 9000)  # no echo
    out = drive(wrapper, audio, params, 300)
    late = wrapper.calc_buffering_delay_samples() + wrapper.calc_model_delay_samples()
    assert int(out[0].abs().argmax()) == late
    assert out[0, :late].abs().max() == 0


# -- what goes wrong ---------------------------------------------------------------------------------------------------


class Fragile(Echo):
    """Its state is NaN once a sample was above 10."""

    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[128])

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        past = torch.cat([self.memory, x], dim=1)
        self.memory = torch.where(past > 10.0, torch.nan, past)[:, -3:].clone() * 0.0 + self.memory.mean()
        return x + self.memory.sum()


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_nan_is_silence_and_does_not_stay(rate: int) -> None:
    """As in the compiled stream, which resets the model after one."""
    wrapper, model = wrapped(Fragile)
    wrapper.set_daw_sample_rate_and_buffer_size(rate, 128)
    audio = noise(2, 128 * 40)
    audio[0, 5] = torch.nan
    audio[1, 700] = torch.inf
    audio[0, 1000:1300] = 50.0
    out = drive(wrapper, audio, None, 128)
    with neutone.Engine(model, rate, 128, 2, resampler="hermite") as engine:
        expected = [engine.process(audio[:, at : at + 128].numpy().copy()) for at in range(0, 128 * 40, 128)]
        assert engine.stats.nonfinite_output > 0
    assert torch.isfinite(out).all()
    assert out[:, -1000:].abs().max() > 0.5
    np.testing.assert_allclose(out.numpy(), np.concatenate(expected, axis=1), atol=1e-5)


def test_parameters_are_clamped() -> None:
    wrapper, _ = wrapped(AnyThing)
    wrapper.set_daw_sample_rate_and_buffer_size(48_000, 64)
    audio, params = noise(2, 64), torch.tensor([[-3.0], [7.0], [torch.nan], [0.5]]).repeat(1, 64)
    out = drive(wrapper, audio, params, 64)
    wrapper.reset()
    assert torch.equal(drive(wrapper, audio, torch.tensor([[0.0], [1.0], [0.0], [0.5]]).repeat(1, 64), 64), out)


@pytest.mark.parametrize("kind", [Peer, AnyBlock, AnyThing])
def test_shorter_blocks_keep_the_delay(kind: type[Any]) -> None:
    """A host that breaks its word hears silence in places, and the rest where it belongs."""
    wrapper, _ = wrapped(kind)
    wrapper.set_daw_sample_rate_and_buffer_size(48_000, 100)
    audio = noise(2, 12_000)
    whole = drive(wrapper, audio, None, 100)
    for channels in (2, 1):
        fed = audio[:channels].contiguous()
        if channels == 1:
            wrapper.reset()
            whole = drive(wrapper, fed, None, 100)
        wrapper.reset()
        pieces, start, turn = [], 0, 0
        while start < 12_000:
            n = min((1, 37, 100, 0, 62)[turn % 5], 12_000 - start)
            pieces.append(wrapper.forward(fed[:, start : start + n]).clone())
            start, turn = start + n, turn + 1
        out = torch.cat(pieces, dim=1)
        differs = (out != whole).any(0)
        assert (out[:, differs] == 0).all()
        assert differs.float().mean() < 0.6


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="resampler is 'sinc'"):
        SampleQueueWrapper(Peer(), resampler="sinc")
    with pytest.raises(ValueError, match="model_sr is 48000"):
        SampleQueueWrapper(Peer(), model_sr=48_000)
    with pytest.raises(ValueError, match="model_bs is 5"):
        SampleQueueWrapper(Peer(), model_bs=5)
    with pytest.raises(ValueError, match="at least 1"):
        SampleQueueWrapper(Peer(), daw_bs=0)
    wrapper = SampleQueueWrapper(Peer(), daw_bs=64)
    with pytest.raises(ValueError, match="block of 65 frames"):
        wrapper.forward(torch.zeros(2, 65))
    with pytest.raises(ValueError, match="1 or 2 channels"):
        wrapper.forward(torch.zeros(3, 64))
    with pytest.raises(ValueError, match="expected \\(4, 64\\)"):
        wrapper.forward(torch.zeros(2, 64), torch.zeros(4, 1))


def test_a_block_can_be_asked_for() -> None:
    wrapper, _ = wrapped(AnyBlock)
    wrapper.set_daw_sample_rate_and_buffer_size(48_000, 128, None, 256)
    assert wrapper.calc_buffering_delay_samples() > 256
    wrapper.set_daw_sample_rate_and_buffer_size(48_000, 128)
    assert wrapper.calc_buffering_delay_samples() < 10


# -- memory ------------------------------------------------------------------------------------------------------------


class Pass(WaveformToWaveformBase):
    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[512])

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


class PassAny(Pass):
    metadata = described(native_sample_rates=[44_100])


@pytest.mark.parametrize("kind", [Pass, PassAny])
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("method", ["forward", "forward_bt"])
def test_nothing_but_scalars_is_allocated(kind: type[Any], rate: int, method: str) -> None:
    """Seen by PyTorch's own profiler: neither audio nor parameters (one row of a block is 512 bytes)."""
    wrapper, _ = wrapped(kind)
    wrapper.set_daw_sample_rate_and_buffer_size(rate, 128)
    call = getattr(wrapper, method)
    audio, params = noise(2, 128), curves(128)
    with torch.no_grad():
        for _ in range(100):
            call(audio, params)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            for _ in range(100):
                call(audio, params)
            torch.zeros(128)  # the control: this one is seen
    sizes = [event.cpu_memory_usage for event in profile.events() if event.name == "[memory]"]
    sizes += [event.self_cpu_memory_usage for event in profile.events() if event.self_cpu_memory_usage > 0]
    assert 512 in sizes
    assert sorted(size for size in sizes if size > 64) == [512]


def test_buffers_stay_where_they_are() -> None:
    wrapper = SampleQueueWrapper(Pass(), daw_sr=48_000, daw_bs=128)

    def places() -> list[int]:
        ways = [(w.history.memory, w.table, w.weights, w.index, w.gathered) for w in (wrapper.way_in, wrapper.way_out)]
        tensors = [*ways[0], *ways[1], wrapper.answers.memory, wrapper.model_memory, wrapper.host_memory]
        return [t.data_ptr() for t in tensors]

    before = places()
    drive(wrapper, noise(2, 128 * 500), curves(128 * 500), 128)
    assert places() == before


# -- the file ----------------------------------------------------------------------------------------------------------


def test_what_hosts_ask() -> None:
    wrapper, _ = wrapped(Choosy)
    assert wrapper.realtime is True
    assert wrapper.is_input_mono()
    assert wrapper.is_output_mono()
    assert wrapper.get_native_sample_rates() == [22_050, 44_100]
    assert wrapper.get_native_buffer_sizes() == [256, 441, 512]
    assert (wrapper.get_wet_default_value(), wrapper.get_dry_default_value()) == (1.0, 0.0)
    assert (wrapper.get_input_gain_default_value(), wrapper.get_output_gain_default_value()) == (0.5, 0.5)
    assert wrapper.to_metadata()["model_name"] == "Echo"
    assert json.loads(wrapper.get_metadata_json())["model_type"] == "mono-mono"
    for name in wrapper.get_preserved_attributes():
        assert hasattr(wrapper, name)


class Steady(Echo):
    """Changes its state in place: PyTorch cannot freeze a module beside which a submodule is preserved that assigns
    its attributes anew."""

    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[512])

    def reset_model(self) -> bool:
        self.memory.zero_()
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        past = torch.cat([self.memory, x], dim=1)
        self.memory.copy_(past[:, -3:])
        return torch.tanh(past[:, :-3] * params["drive"]) * self.level


def test_freezing_keeps_the_surface() -> None:
    wrapper = script(SampleQueueWrapper(Steady(), daw_sr=48_000, daw_bs=128))
    audio, params = noise(2, 128 * 60), curves(128 * 60)
    expected = drive(wrapper, audio, params, 128)
    wrapper.reset()
    with quiet_torchscript():
        frozen = torch.jit.freeze(wrapper, preserved_attrs=wrapper.get_preserved_attributes())
    file = io.BytesIO()
    save_script(frozen, file)
    file.seek(0)
    frozen = load_script(file)[0]
    for name in frozen.get_preserved_attributes():
        assert hasattr(frozen, name)
    frozen.reset()
    assert torch.equal(drive(frozen, audio, params, 128), expected)
    frozen.set_daw_sample_rate_and_buffer_size(44_100, 64)
    assert frozen.calc_buffering_delay_samples() == 448
