"""The SDK's queues and resamplers, eager and scripted, compared with plain Python and the compiled core."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neutone._core import Resampler, Schedule

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import quiet_torchscript  # noqa: E402
from neutone.sdk.compat.circular_queue import CircularInplaceTensorQueue  # noqa: E402
from neutone.sdk.compat.resample_sandwich import ResampleSandwich  # noqa: E402
from neutone.sdk.compat.resamplers import Inplace4pHermiteResampler, InplaceLinearResampler  # noqa: E402
from neutone.sdk.stream.channel_sandwich import ChannelNormalizerSandwich  # noqa: E402
from neutone.sdk.stream.schedule import choose_model_block, choose_model_rate, least_delay, to_host_frames  # noqa: E402
from neutone.sdk.stream.sliding_buffer import SlidingTensorBuffer  # noqa: E402
from support.scripted_forms import reloaded  # noqa: E402

KINDS = {"linear": InplaceLinearResampler, "hermite": Inplace4pHermiteResampler}
RATES = (44_100, 48_000, 96_000, 22_050, 8_000, 44_101)


# -- queues ------------------------------------------------------------------------------------------------------------


class QueueUser(nn.Module):
    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.queue = CircularInplaceTensorQueue(channels, size)

    def forward(self, x: Tensor) -> Tensor:
        self.queue.push(x)
        return self.queue.queue

    @torch.jit.export
    def pop(self, n: int) -> Tensor:
        out = torch.full((2, n), -1.0)
        self.queue.pop(out)
        return out

    @torch.jit.export
    def peek(self, n: int) -> Tensor:
        out = torch.full((2, n), -1.0)
        self.queue.peek(out)
        return out

    @torch.jit.export
    def state(self) -> list[int]:
        return [self.queue.size, int(self.queue.is_empty()), int(self.queue.is_full()), self.queue.max_size]

    @torch.jit.export
    def again(self, size: int) -> None:
        self.queue = CircularInplaceTensorQueue(2, size)


@pytest.fixture(scope="module")
def scripted_queue() -> Any:
    return reloaded(QueueUser(2, 7))


def check_queue(user: Any, size: int, steps: list[tuple[str, int]]) -> None:
    user.again(size)
    expected: deque[float] = deque(maxlen=size)
    memory = user.queue.queue.data_ptr() if isinstance(user, QueueUser) else None
    count = 0.0
    for what, n in steps:
        if what == "push":
            pushed = torch.arange(n, dtype=torch.float32) + count
            count += n
            user(torch.stack([pushed, -pushed]))
            expected.extend(pushed.tolist())
        else:
            out = user.pop(n) if what == "pop" else user.peek(n)
            there = list(expected)[:n]
            assert out[0].tolist() == there + [-1.0] * (n - len(there))
            assert out[1, : len(there)].tolist() == [-v for v in there]
            if what == "pop":
                for _ in there:
                    expected.popleft()
        assert user.state() == [len(expected), int(not expected), int(len(expected) == size), size]
    if memory is not None:
        assert user.queue.queue.data_ptr() == memory


STEPS = st.lists(st.tuples(st.sampled_from(["push", "pop", "peek"]), st.integers(0, 20)), max_size=30)


@given(size=st.integers(1, 12), steps=STEPS)
def test_circular_queue_is_a_deque(size: int, steps: list[tuple[str, int]]) -> None:
    check_queue(QueueUser(2, 1), size, steps)


@settings(max_examples=25)
@given(size=st.integers(1, 12), steps=STEPS)
def test_scripted_circular_queue_is_a_deque(scripted_queue: Any, size: int, steps: list[tuple[str, int]]) -> None:
    check_queue(scripted_queue, size, steps)


def test_circular_queue_refuses() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CircularInplaceTensorQueue(1, 0)
    with pytest.raises(ValueError, match="queue of 2 channels"):
        CircularInplaceTensorQueue(2, 4).push(torch.zeros(1, 3))
    queue = CircularInplaceTensorQueue(1, 4)
    queue.push(torch.zeros(1, 3))
    queue.reset()
    assert queue.is_empty()


@given(pending=st.integers(1, 10), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 15)), max_size=40))
def test_sliding_buffer_keeps_order(pending: int, steps: list[tuple[bool, int]]) -> None:
    """Also if more frames are discarded than have come, or if more wait than `pending`."""
    buffer = SlidingTensorBuffer(1, pending)
    written, read = 0, 0
    for claims, n in steps:
        if claims:
            buffer.claim(n).copy_(torch.arange(written, written + n, dtype=torch.float32))
            written += n
        else:
            there = max(min(n, written - read), 0)
            assert buffer.peek(there).flatten().tolist() == list(range(read, read + there)) or there == 0
            buffer.discard(n)
            read += n
        assert buffer.size() == written - read


def test_sliding_buffer_stays_where_it_is() -> None:
    buffer = SlidingTensorBuffer(2, 10)
    memory = buffer.memory.data_ptr()
    for _ in range(1000):
        buffer.claim(3)
        if buffer.size() > 7:
            buffer.discard(7)
    assert buffer.memory.data_ptr() == memory


# -- schedule ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    host_rate=st.sampled_from(RATES),
    n=st.integers(1, 4096),
    rates=st.lists(st.sampled_from(RATES), max_size=3),
    blocks=st.lists(st.integers(1, 4096), max_size=3),
    kind=st.sampled_from(["linear", "hermite"]),
)
def test_schedule_is_the_compiled_one(host_rate: int, n: int, rates: list[int], blocks: list[int], kind: str) -> None:
    expected = Schedule.choose(host_rate, n, resampler=kind, model_rates=rates, model_blocks=blocks)
    lookahead = 1 if kind == "linear" else 2
    rate = choose_model_rate(host_rate, rates)
    block = choose_model_block(host_rate, n, rate, blocks, lookahead)
    assert (rate, block) == (expected.model_rate, expected.model_block)
    assert least_delay(host_rate, n, rate, max(block, 1), lookahead) == expected.delay


def test_scripted_schedule() -> None:
    with quiet_torchscript():
        scripted = torch.jit.script(least_delay)
    for case in [(48_000, 2048, 44_100, 2048, 2), (8000, 1, 384_000, 1, 2), (384_000, 3, 8000, 65_536, 1)]:
        assert scripted(*case) == least_delay(*case)


@given(frames=st.integers(0, 100_000), host=st.sampled_from(RATES), model=st.sampled_from(RATES))
def test_delays_round_as_the_engine_rounds(frames: int, host: int, model: int) -> None:
    assert to_host_frames(frames, host, model) == round(frames * host / model)


# -- resamplers --------------------------------------------------------------------------------------------------------


class ResamplerUser(nn.Module):
    """Calls a resampler's methods from scripted code."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.resampler = KINDS[kind](2, 1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.resampler.process_in(x)

    @torch.jit.export
    def back(self, x: Tensor) -> Tensor:
        return self.resampler.process_out(x)

    @torch.jit.export
    def reset(self) -> None:
        self.resampler.reset()

    @torch.jit.export
    def set(self, outside: int, inside: int, block: int) -> int:
        self.resampler.set_sample_rates(outside, inside, block)
        return self.resampler.out_bs


@pytest.fixture(scope="module", params=["linear", "hermite"])
def users(request: pytest.FixtureRequest) -> Any:
    return request.param, ResamplerUser(request.param), reloaded(ResamplerUser(request.param))


def stream(call: Any, audio: Tensor, cuts: list[int]) -> Tensor:
    """Call `call` on pieces of the audio, with the lengths in `cuts` over and over."""
    pieces, start, turn = [torch.zeros(audio.size(0), 0)], 0, 0
    while start < audio.size(1):
        n = cuts[turn % len(cuts)]
        pieces.append(call(audio[:, start : start + n]).clone())
        start, turn = start + n, turn + 1
    return torch.cat(pieces, dim=1)


@settings(max_examples=30)
@given(
    outside=st.sampled_from(RATES),
    inside=st.sampled_from(RATES),
    block=st.integers(1, 700),
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    scripted=st.booleans(),
)
def test_resamplers_answer_as_the_compiled_ones(
    users: Any, outside: int, inside: int, block: int, cuts: list[int], scripted: bool
) -> None:
    kind, *both = users
    user = both[int(scripted)]
    largest = user.set(outside, inside, block)
    audio = torch.randn(2, 1500, generator=torch.Generator().manual_seed(block))
    expected = Resampler(outside, inside, kind=kind, channels=2).process(audio.numpy())
    whole = stream(user, audio, [min(c, block) for c in cuts])
    np.testing.assert_allclose(whole.numpy(), expected, atol=2e-6)
    user.reset()
    assert torch.equal(stream(user, audio, [1500]), whole)  # the same bits, however the audio is cut
    user.reset()
    assert user(audio[:, :block]).size(1) <= largest

    back = Resampler(inside, outside, kind=kind, channels=1).process(audio[:1].numpy())
    np.testing.assert_allclose(stream(user.back, audio[:1], cuts).numpy(), back, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_resamplers_never_drift(kind: str) -> None:
    resampler = KINDS[kind](1, 1, 48_000, 44_100, 480)
    second = torch.zeros(1, 480)
    count = sum(resampler.process_in(second).size(1) for _ in range(1000))
    assert count == -(-(480 * 1000 - (1 if kind == "linear" else 2)) * 147 // 160)


@pytest.mark.parametrize("kind", KINDS)
def test_resamplers_stay_where_they_are(kind: str) -> None:
    resampler = KINDS[kind](2, 1, 48_000, 44_100, 128)
    block = torch.randn(2, 128)

    def places() -> list[int]:
        tensors = []
        for way in (resampler.interpolator_in, resampler.interpolator_out):
            tensors += [way.history.memory, way.table, way.weights, way.index, way.gathered]
        return [t.data_ptr() for t in [*tensors, resampler.buffer_in, resampler.buffer_out]]

    before = places()
    for _ in range(500):
        resampler.process_out(resampler.process_in(block)[:1])
    assert places() == before


def test_resampler_debug_mode() -> None:
    with pytest.raises(ValueError, match="expected \\(2 channels"):
        InplaceLinearResampler(2, 2, 48_000, 44_100, 8).process_in(torch.zeros(1, 8))
    with pytest.raises(ValueError, match="at least 1"):
        InplaceLinearResampler(2, 2, 0, 44_100, 8)


class Halver(ResampleSandwich):
    def process_in(self, x: Tensor) -> Tensor:
        return x[:, ::2]

    def process_out(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(2, dim=1)


class HalverUser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.halver = Halver(96_000, 48_000, 64)

    def forward(self, x: Tensor) -> Tensor:
        self.halver.set_sample_rates(192_000, 96_000, x.size(1))
        self.halver.reset()
        assert self.halver.is_resampling()
        return self.halver.process_out(self.halver.process_in(x))


def test_users_may_write_sandwiches() -> None:
    assert reloaded(HalverUser())(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[1.0, 1.0, 3.0, 3.0]]


# -- channels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripted", [False, True])
def test_channels(scripted: bool) -> None:
    normalize: Any = ChannelNormalizerSandwich()
    if scripted:
        normalize = reloaded(normalize)
    stereo, mono, room = torch.tensor([[1.0, 2.0], [3.0, -2.0]]), torch.tensor([[5.0, 6.0]]), torch.zeros(2, 4)
    assert normalize(stereo, True, room).tolist() == [[2.0, 0.0]]
    assert normalize(mono, False, room).tolist() == [[5.0, 6.0], [5.0, 6.0]]
    assert normalize(stereo, False, room) is stereo or torch.equal(normalize(stereo, False, room), stereo)
    assert torch.equal(normalize(mono, True, room), mono)


def test_channels_debug_mode() -> None:
    with pytest.raises(ValueError, match="1 or 2 channels"):
        ChannelNormalizerSandwich()(torch.zeros(3, 4), True, torch.zeros(2, 4))
    with pytest.raises(ValueError, match="2 rows"):
        ChannelNormalizerSandwich()(torch.zeros(2, 4), True, torch.zeros(2, 3))
