"""Faults around the SDK's SampleQueueWrapper: NaN, short blocks, and values that it refuses."""

from typing import Any

import numpy as np
import pytest

import neutone

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper  # noqa: E402
from support.queued_wrappers import AnyBlock, AnyThing, Echo, Peer, described, drive, noise, wrapped  # noqa: E402


class Fragile(Echo):
    """Its state becomes NaN after a sample above 10."""

    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[128])

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        past = torch.cat([self.memory, x], dim=1)
        self.memory = torch.where(past > 10.0, torch.nan, past)[:, -3:].clone() * 0.0 + self.memory.mean()
        return x + self.memory.sum()


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_nan_is_silence_and_does_not_stay(rate: int) -> None:
    """Like the compiled stream, the wrapper resets the model after NaN in the output."""
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
    """If a host sends shorter blocks than it announced, it hears silence in places, and the rest at the right time."""
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
