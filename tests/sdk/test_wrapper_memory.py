"""The SDK's SampleQueueWrapper allocates nothing but scalars, and its buffers do not move."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import WaveformToWaveformBase  # noqa: E402
from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper  # noqa: E402
from support.queued_wrappers import curves, described, drive, noise, wrapped  # noqa: E402


class Pass(WaveformToWaveformBase):
    metadata = described(native_sample_rates=[44_100], native_buffer_sizes=[512])

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


class PassAny(Pass):
    metadata = described(native_sample_rates=[44_100])


@pytest.mark.long
@pytest.mark.parametrize("kind", [Pass, PassAny])
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("method", ["forward", "forward_bt"])
def test_nothing_but_scalars_is_allocated(kind: type[Any], rate: int, method: str) -> None:
    """PyTorch's profiler sees neither audio nor parameters allocated (one row of a block is 512 bytes)."""
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
            torch.zeros(128)  # the control: the profiler does see this allocation
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
