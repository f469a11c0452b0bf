"""The SDK's SampleQueueWrapper, scripted, saved and loaded: it does what the compiled stream does around its model."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import load_script, quiet_torchscript, save_script, script  # noqa: E402
from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper  # noqa: E402
from support.queued_wrappers import (  # noqa: E402
    BLOCKS,
    MODELS,
    RATES,
    AnyBlock,
    AnyRate,
    AnyThing,
    Choosy,
    Echo,
    MonoToStereo,
    Peer,
    compare,
    curves,
    described,
    drive,
    noise,
    wrapped,
)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", MODELS)
def test_it_answers_as_the_compiled_stream(kind: type[Any], rate: int) -> None:
    for block in BLOCKS:
        assert compare(kind, rate, block) < 1e-5, block


@pytest.mark.long
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
    """Also in debug mode, and with the default parameters if none are given."""
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


@pytest.mark.long
@settings(max_examples=20)
@given(
    kind=st.sampled_from([Peer, MonoToStereo, AnyBlock, AnyRate]),
    rate=st.sampled_from(RATES),
    block=st.integers(1, 3000),
    channels=st.integers(1, 2),
)
def test_background_is_as_late_as_forward(kind: type[Any], rate: int, block: int, channels: int) -> None:
    """The host plays what it gets, in order, after silence at the start. It hears what `forward` returns, always has
    enough frames, and never keeps more than the wrapper announced."""
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
        wrapper.forward(noise(2, block, seed=1))  # audio that the reset must clear
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
    """Changes its state in place. PyTorch cannot freeze a module next to a preserved submodule that assigns its
    attributes."""

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
