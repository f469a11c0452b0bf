"""Which rate and block size a model runs at and how long its output waits, in TorchScript-able integer arithmetic.

``f_model / f_host = L / M`` in lowest terms, n the host's block, m the model's, a and b the frames that the two
resamplers look ahead. After k host blocks ``A(k) = max(0, ceil((k n - a) L / M))`` frames have come at the model's
rate, ``B(k) = floor(A(k) / m)`` model blocks have run, and ``O(k) = max(0, ceil((m B(k) - b) M / L))`` frames are back.
The least delay that never starves is the maximum of ``k n - O(k)``; docs/architecture.md derives its closed form.
"""

import math


def least_delay(host_rate: int, host_block: int, model_rate: int, model_block: int, lookahead: int) -> int:
    """Frames at the host's rate by which the output of the queues and resamplers is late.

    Args:
        host_rate: Hz.
        host_block: frames.
        model_rate: Hz.
        model_block: frames; 1 for a model that is fed whatever has arrived.
        lookahead: frames that the resamplers need after a position: 1 linear, 2 Hermite. Not counted where the rates
            are equal.

    >>> least_delay(48_000, 512, 44_100, 2048, lookahead=2)
    2231
    >>> least_delay(44_100, 441, 44_100, 512, lookahead=2)
    511
    """
    divisor = math.gcd(host_rate, model_rate)
    L = model_rate // divisor
    M = host_rate // divisor
    a = 0 if L == M else lookahead
    period = M * model_block
    g = math.gcd(host_block * L, period)
    # May be negative; not every runtime of TorchScript need round as Python does.
    rest = (M - 1 - a * L) % g
    if rest < 0:
        rest += g
    # a = 0 only where nothing is resampled; there M = 1 and the numerator is period - g + rest.
    return a + (period - g + rest + (a - 1) * M + 1) // L


def most_arrivals(host_rate: int, host_block: int, model_rate: int) -> int:
    """The most frames at the model's rate that one host block brings.

    >>> most_arrivals(48_000, 128, 44_100)
    118
    """
    return (host_block * model_rate + host_rate - 1) // host_rate


def to_host_frames(model_frames: int, host_rate: int, model_rate: int) -> int:
    """A duration in model frames in host frames, rounded half to even as Python's ``round`` does.

    >>> to_host_frames(100, 48_000, 44_100)
    109
    """
    whole = model_frames * host_rate // model_rate
    rest = model_frames * host_rate - whole * model_rate
    if 2 * rest > model_rate or (2 * rest == model_rate and whole % 2 == 1):
        whole += 1
    return whole


def choose_model_rate(host_rate: int, native_rates: list[int]) -> int:
    """The host's own rate where the model supports it, else the nearest above (no band is lost), else the nearest
    below. Hz; an empty list supports any.

    >>> choose_model_rate(44_100, [22_050, 48_000, 96_000])
    48000
    """
    if len(native_rates) == 0:
        return host_rate
    above = 0
    below = 0
    for rate in native_rates:
        if rate >= host_rate and (above == 0 or rate < above):
            above = rate
        if rate < host_rate and rate > below:
            below = rate
    return above if above > 0 else below


def choose_model_block(
    host_rate: int, host_block: int, model_rate: int, native_blocks: list[int], lookahead: int
) -> int:
    """The block size (frames) with the least delay, of equals the largest (fewer calls). 0 where the list is empty: the
    model takes any and is fed what has arrived.

    >>> choose_model_block(48_000, 512, 48_000, [256, 512, 2048], lookahead=2)
    512
    """
    best = 0
    best_delay = 0
    for block in native_blocks:
        delay = least_delay(host_rate, host_block, model_rate, block, lookahead)
        if best == 0 or delay < best_delay or (delay == best_delay and block > best):
            best = block
            best_delay = delay
    return best
