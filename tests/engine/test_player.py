"""The core's player: the streams that are offered to it, and the arrays that it accepts."""

import numpy as np
import pytest

from neutone._core import Player, Pool, Schedule, Stream
from support.background import BLOCK
from support.models import FunctionModel, knob, noise


def make_stream(parameters=0):
    schedule = Schedule.choose(48_000, BLOCK)
    session = FunctionModel(channels=(1, 1), parameters=[knob()] * parameters).prepare(48_000, BLOCK)
    return Stream(
        schedule, session, host_channels=1, in_channels=1, out_channels=1, parameters=parameters, look_behind=0
    )


def test_a_stream_that_was_offered_is_the_players():
    """A stream that was offered may be in use by other threads, so it can no longer be processed or reset directly."""
    player, stream, audio = Player(Pool(1, 0)), make_stream(), noise(1, BLOCK)
    with pytest.raises(RuntimeError, match="no stream was offered yet"):
        player.process(audio)
    np.testing.assert_array_equal(stream.process(audio), audio)
    player.offer(stream, 0)
    for call in (lambda: stream.process(audio), stream.reset):
        with pytest.raises(RuntimeError, match="offered to a player"):
            call()
    with pytest.raises(RuntimeError, match="offered before"):
        player.offer(stream, 0)
    np.testing.assert_array_equal(player.process(audio), audio)
    assert player.close() == [stream]
    with pytest.raises(RuntimeError, match="closed"):
        player.process(audio)


def test_a_player_checks_arrays_as_its_newest_stream_does():
    player, alone = Player(Pool(1, 0)), make_stream()
    player.offer(make_stream(parameters=1), 0)
    player.offer(make_stream(), 0)
    bad = [
        (noise(2, BLOCK),),
        (noise(1, BLOCK + 1),),
        (noise(1, BLOCK), np.empty((1, BLOCK - 1), np.float32)),
        (noise(1, BLOCK), None, noise(1, BLOCK)),
        (noise(1, BLOCK).astype(np.float64),),
    ]
    for arrays in bad:
        raised = []
        for one in (alone, player):
            with pytest.raises((ValueError, TypeError)) as error:
                one.process(*arrays)
            raised.append(str(error.value))
        assert raised[0] == raised[1]
    assert player.process(noise(1, BLOCK)).shape == (1, BLOCK)
    player.close()
