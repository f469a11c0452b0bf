"""The audio that the amp is trained on, and the audio that it is judged by.
They share no note, seed or knob setting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .strings import SAMPLE_RATE, Signal, note_frequency, pluck, strum

HELD_OUT_DRIVES = (0.05, 0.35, 0.65, 0.95)
HELD_OUT_TONES = (0.05, 0.5, 0.95)
EXCLUSION = 0.03
"""The knobs of training clips never come closer to a held-out pair than this, not even while they move."""

HELD_OUT_SEED = 90_000


@dataclass(frozen=True)
class Clips:
    """Input audio, and the knob positions that go with it."""

    audio: NDArray[np.float64]  # (clips, frames)
    params: NDArray[np.float64]  # (clips, 2, frames): drive and tone


def _level(signal: Signal, decibels: float) -> Signal:
    """Scale a signal to a peak of `decibels` relative to full scale."""
    gain = 10.0 ** (decibels / 20.0) / max(float(np.max(np.abs(signal))), 1e-12)
    return np.asarray(signal * gain)


def _string_character(generator: np.random.Generator) -> dict[str, float]:
    """Return keyword arguments of `pluck` and `strum`: how the string is played and damped."""
    return {
        "decay_seconds": float(generator.uniform(0.4, 6.0)),
        "pick_position": float(generator.uniform(0.05, 0.45)),
        "stretch": float(generator.uniform(0.1, 0.5)),
        "softness": float(generator.uniform(0.0, 0.97)),
    }


def _melody(frames: int, generator: np.random.Generator) -> Signal:
    """Return notes one after another, with rests. Each note cuts the last one off."""
    signal = np.zeros(frames)
    position = 0
    while position < frames:
        count = min(round(generator.uniform(0.08, 0.7) * SAMPLE_RATE), frames - position)
        if count > 2400 and generator.random() < 0.9:
            frequency = 70.0 * 2.0 ** generator.uniform(0.0, 3.8)
            seconds = count / SAMPLE_RATE
            note = pluck(frequency, seconds, generator, release_seconds=0.02, **_string_character(generator))
            signal[position : position + note.size] += note * generator.uniform(0.2, 1.0)
        position += count
    return signal


def _chord(frames: int, generator: np.random.Generator) -> Signal:
    """Return a chord of two to six strings at random intervals, slightly out of tune."""
    lowest = generator.uniform(38.0, 60.0)
    steps = generator.choice([3, 4, 5, 7, 12], size=generator.integers(1, 6))
    notes = lowest + np.concatenate([[0.0], np.cumsum(steps)])
    notes = notes[notes < 88.0] + generator.normal(0.0, 0.05, int(np.sum(notes < 88.0)))
    return strum(
        [note_frequency(float(note)) for note in notes],
        frames / SAMPLE_RATE,
        generator,
        strum_seconds=float(generator.uniform(0.0, 0.04)),
        **_string_character(generator),
    )


def _sweep(frames: int, generator: np.random.Generator) -> Signal:
    """Return a sine that is swept exponentially, up or down, while it fades at a random rate."""
    low, high = 30.0 * 2.0 ** generator.uniform(0.0, 2.0), 1500.0 * 2.0 ** generator.uniform(0.0, 3.0)
    position = np.arange(frames) / frames
    if generator.random() < 0.5:
        position = position[::-1]
    phase = 2.0 * np.pi * np.cumsum(low * (high / low) ** position) / SAMPLE_RATE
    return np.sin(phase) * 10.0 ** (-generator.uniform(0.0, 2.0) * np.arange(frames) / frames)


def _noise_bursts(frames: int, generator: np.random.Generator) -> Signal:
    """Return low-passed noise in decaying bursts with silence between them."""
    signal = np.zeros(frames)
    for onset in np.sort(generator.integers(0, frames, 5)):
        count = min(round(generator.uniform(0.02, 0.3) * SAMPLE_RATE), frames - int(onset))
        spectrum = np.fft.rfft(generator.normal(size=count))
        cutoff = 200.0 * 2.0 ** generator.uniform(0.0, 6.0)
        spectrum /= 1.0 + (np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE) / cutoff) ** 2
        burst = np.fft.irfft(spectrum, n=count) * np.exp(-np.arange(count) / count * generator.uniform(0.0, 6.0))
        burst *= np.minimum(1.0, np.arange(count)[::-1] / 48.0)
        signal[onset : onset + count] += _level(burst, generator.uniform(-20.0, 0.0))
    return signal


def _tones(frames: int, generator: np.random.Generator) -> Signal:
    """Return one to four slowly decaying sines, for intermodulation."""
    time = np.arange(frames) / SAMPLE_RATE
    signal = np.zeros(frames)
    for _ in range(generator.integers(1, 5)):
        frequency = 40.0 * 2.0 ** generator.uniform(0.0, 7.0)
        signal += generator.uniform(0.1, 1.0) * np.sin(2.0 * np.pi * (frequency * time + generator.random()))
    return signal * np.exp(-time * generator.uniform(0.0, 4.0))


def _steps(frames: int, generator: np.random.Generator) -> Signal:
    """Return levels that hold and jump: square waves of all lengths, down to DC."""
    rate = 2.0 ** generator.uniform(1.0, 10.0)
    jumps = np.cumsum(generator.random(frames) < rate / SAMPLE_RATE)
    return np.asarray(generator.uniform(-1.0, 1.0, int(jumps[-1]) + 1)[jumps])


_KINDS = (_melody, _chord, _sweep, _noise_bursts, _tones, _steps)
_KIND_PROBABILITIES = (0.38, 0.34, 0.1, 0.05, 0.09, 0.04)
LOUDEST_DB, QUIETEST_DB = 3.0, -36.0


def _clear_of_held_out(path: Signal) -> bool:
    """Return whether no point of `path` (2, points) is close to a held-out pair in both knobs."""
    pairs = np.array([(drive, tone) for drive in HELD_OUT_DRIVES for tone in HELD_OUT_TONES])
    distance = np.max(np.abs(path[None] - pairs[:, :, None]), axis=1)
    return bool(np.min(distance) > EXCLUSION)


def _knobs(frames: int, generator: np.random.Generator) -> Signal:
    """Return random knob positions, away from held-out settings. They are uniform, but the ends of the range are
    frequent.

    Most knobs stand still. In one clip of five both move, so that the network learns to follow automation.
    """
    turns = generator.random() < 0.2
    while True:
        start, end = np.clip(generator.uniform(-0.06, 1.06, (2, 2)), 0.0, 1.0)
        path = np.linspace(start, end if turns else start, frames, axis=1)
        if _clear_of_held_out(path[:, :: frames // 200]):
            return path


def training_clips(count: int, seconds: float, seed: int) -> Clips:
    """Return `count` random clips with random knobs and peaks; loud ones are more frequent."""
    generator = np.random.default_rng(seed)
    frames = round(seconds * SAMPLE_RATE)
    audio, params = [], []
    for _ in range(count):
        kind = _KINDS[generator.choice(len(_KINDS), p=_KIND_PROBABILITIES)]
        signal = kind(frames, generator)
        # Some clips end with a little silence, because the amp has to come to rest.
        if generator.random() < 0.15:
            quiet = frames // 8
            signal[-quiet:] *= np.exp(-np.arange(quiet) / 48.0)
        audio.append(_level(signal, LOUDEST_DB + (QUIETEST_DB - LOUDEST_DB) * generator.random() ** 1.5))
        params.append(_knobs(frames, generator))
    return Clips(np.stack(audio), np.stack(params))


def _over_the_grid(signals: list[Signal]) -> Clips:
    """Return every signal at every held-out knob setting. Drive varies slowest, then tone, then the signal."""
    stacked = np.stack(signals)
    audio, params = [], []
    for drive in HELD_OUT_DRIVES:
        for tone in HELD_OUT_TONES:
            audio.append(stacked)
            knobs = np.broadcast_to(np.array([drive, tone])[None, :, None], (len(signals), 2, stacked.shape[1]))
            params.append(knobs)
    return Clips(np.concatenate(audio), np.concatenate(params))


def held_out_guitar() -> Clips:
    """Return four guitar clips of two seconds each at every held-out knob setting.

    The notes are in equal temperament, which training notes hit with probability zero. The clips are a riff, a minor
    chord, a soft arpeggio and a power chord.
    """
    generator = np.random.default_rng(HELD_OUT_SEED)
    frames = 2 * SAMPLE_RATE
    riff = np.concatenate(
        [
            pluck(note_frequency(note), 0.25, generator, release_seconds=0.02)
            for note in (40, 52, 50, 47, 45, 43, 47, 40)
        ]
    )
    minor = strum([note_frequency(note) for note in (45, 52, 57, 60, 64)], 2.0, generator, pick_position=0.2)
    arpeggio = np.zeros(frames)
    for index, note in enumerate((55, 62, 67, 71, 74)):
        onset = index * frames // 6
        string = pluck(
            note_frequency(note), (frames - onset) / SAMPLE_RATE, generator, softness=0.93, decay_seconds=2.5
        )
        arpeggio[onset:] += string
    power = strum([note_frequency(note) for note in (40, 47, 52)], 2.0, generator, softness=0.6, decay_seconds=5.0)
    return _over_the_grid([_level(riff, -3.0), _level(minor, -9.0), _level(arpeggio, -18.0), _level(power, -1.0)])


def held_out_test_signals() -> Clips:
    """Return a sweep from 40 Hz to 8 kHz and noise bursts, one second each, at every held-out knob setting."""
    generator = np.random.default_rng(HELD_OUT_SEED + 1)
    frames = SAMPLE_RATE
    phase = 2.0 * np.pi * np.cumsum(40.0 * 200.0 ** (np.arange(frames) / frames)) / SAMPLE_RATE
    return _over_the_grid([_level(np.sin(phase), -6.0), _level(_noise_bursts(frames, generator), -6.0)])
