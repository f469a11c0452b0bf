"""The Python callback host, as python-sounddevice would call it."""

import numpy as np
import pytest

from neutone import Engine, errors
from neutone.testing import HostContract
from neutone_callback import CallbackHost
from support.models import FunctionModel, noise, run


class TestContract(HostContract):
    def make_host(self):
        return CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))

    def feed(self, host):
        host(np.zeros((64, 2), np.float32), np.empty((64, 2), np.float32), 64, None, None)


def test_interleaved_blocks_equal_planar_processing():
    model = FunctionModel(rates=[44_100], blocks=[256])
    audio = noise(2, 64 * 30)
    host = CallbackHost(Engine(model, 48_000, 64, 2))
    blocks = [np.ascontiguousarray(audio[:, i : i + 64].T) for i in range(0, audio.shape[1], 64)]
    with host:
        out = np.concatenate(list(host.process_stream(blocks))).T
    np.testing.assert_array_equal(out, run(Engine(model, 48_000, 64, 2), audio))
    assert host.stats.blocks == 30
    assert host.stats.load > 0
    assert host.latency.total == Engine(model, 48_000, 64, 2).latency.total


def test_blocks_of_any_length_where_the_engine_takes_them():
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2, fixed_blocks=False))
    with host:
        for frames in (1, 64, 200, 63):
            audio = noise(frames, 2)
            (out,) = host.process_stream([audio])
            np.testing.assert_array_equal(out, audio)
    assert host.stats.xruns == 0


def test_silence_before_start_and_after_stop():
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))
    audio = noise(64, 2)
    for _ in range(2):
        (out,) = host.process_stream([audio])
        assert not out.any()
        with host:
            (out,) = host.process_stream([audio])
            np.testing.assert_array_equal(out, audio)


def test_a_block_that_fails_is_silence_and_is_kept():
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))
    with host:
        (out,) = host.process_stream([noise(63, 2)])
        assert not out.any()
        assert isinstance(host.error, errors.ShapeError)
        assert host.stats.xruns == 1
        (out,) = host.process_stream([noise(64, 3)])
        assert not out.any()
        audio = noise(64, 2)
        (out,) = host.process_stream([audio])
        np.testing.assert_array_equal(out, audio)


def test_a_status_counts_as_xrun():
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))
    audio, out = noise(64, 2), np.empty((64, 2), np.float32)
    with host:
        host(audio, out, 64, None, "input overflow")
    assert host.stats.xruns == 1


def test_a_model_that_raises_does_not_end_the_stream():
    def fail(audio, params, out):
        raise OSError("no")

    host = CallbackHost(Engine(FunctionModel(fail), 48_000, 64, 2))
    with host:
        (out,) = host.process_stream([noise(64, 2)])
    assert not out.any()
    assert isinstance(host.error, errors.InferenceError)


def test_read_only_outdata_is_the_callers_error():
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))
    out = np.empty((64, 2), np.float32)
    out.flags.writeable = False
    with host, pytest.raises(ValueError, match="read-only"):
        host(noise(64, 2), out, 64, None, None)


@pytest.mark.parametrize("blocks", [(np.zeros((64, 2), np.int16),) * 2, (noise(64, 1), np.zeros((64, 2), np.float32))])
def test_other_types_and_widths_are_refused(blocks):
    host = CallbackHost(Engine(FunctionModel(), 48_000, 64, 2))
    with host:
        host(*blocks, 64, None, None)
    assert isinstance(host.error, errors.ShapeError)
    assert not blocks[1].any()


def test_a_second_thread_does_not_end_the_stream():
    def call_again(audio, params, out):
        inner = np.ones((64, 2), np.float32)
        host(inner, inner, 64, None, None)
        assert not inner.any()

    host = CallbackHost(Engine(FunctionModel(call_again), 48_000, 64, 2))
    with host:
        host(np.zeros((64, 2), np.float32), np.empty((64, 2), np.float32), 64, None, None)
    assert "around this very call" in str(host.error)
