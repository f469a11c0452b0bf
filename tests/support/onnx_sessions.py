"""ONNX sessions through Python and through the C API, side by side."""

import numpy as np

import neutone


def both(path, **options):
    return [neutone.load(path, native=native, **options) for native in (False, True)]


def prepared(path, block, **options):
    """Return a session through Python and a native one."""
    sessions = [
        model.prepare((model.metadata.native_sample_rates or [48_000])[0], block) for model in both(path, **options)
    ]
    assert sessions[0].native is None
    assert sessions[1].native is not None
    return sessions


def play(session, sizes, seed=0):
    """Play noise in blocks of these sizes, with rows packed, look-behind and parameter curves of noise, and return the
    blocks."""
    rng = np.random.default_rng(seed)
    look_behind = session.audio_in.shape[1] - session.audio_out.shape[1]
    outputs = []
    for frames in sizes:
        for array, columns in ((session.audio_in, look_behind + frames), (session.params, frames)):
            array.reshape(-1)[: len(array) * columns] = rng.random(len(array) * columns, np.float32) - 0.5
        session.run(frames)
        outputs.append(session.audio_out.reshape(-1)[: len(session.audio_out) * frames].copy())
    return outputs


def assert_same_bits(sessions, sizes):
    python, native = (play(session, sizes) for session in sessions)
    assert np.ptp(np.concatenate(native)) > 0
    for ours, theirs in zip(native, python, strict=True):
        np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


VARYING = [64, 63, 1, 17, 64, 5, 64, 64, 2, 63]
