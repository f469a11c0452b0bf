"""The rate and block size at which a model runs, and the least delay, in integer arithmetic that TorchScript supports.

``f_model / f_host = L / M`` in lowest terms; n is the host's block size, m the model's; a and b are the look-ahead of
the two resamplers in frames. After k host blocks, ``A(k) = max(0, ceil((k n - a) L / M))`` frames have arrived at the
model's rate, ``B(k) = floor(A(k) / m)`` model blocks have run, and ``O(k) = max(0, ceil((m B(k) - b) M / L))`` frames
are back.
The least delay at which no frame is late is the maximum of ``k n - O(k)``. docs/architecture.md derives its closed
form.
"""

import math


def least_delay(host_rate: int, host_block: int, model_rate: int, model_block: int, lookahead: int) -> int:
    """Return the least delay of the queues and resamplers, in host frames, at which no frame is late.

    Args:
        host_rate: The host's sample rate in Hz.
        host_block: The host's block size in frames.
        model_rate: The model's sample rate in Hz.
        model_block: The model's block size in frames; 1 for a model that takes whatever has arrived.
        lookahead: The number of frames that the resamplers need after a position: 1 for linear, 2 for Hermite. It does
            not count if the rates are equal.

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
    # May be negative; not every runtime of TorchScript rounds as Python does.
    rest = (M - 1 - a * L) % g
    if rest < 0:
        rest += g
    # a = 0 only if nothing is resampled; then M = 1, and the numerator is period - g + rest.
    return a + (period - g + rest + (a - 1) * M + 1) // L


def most_arrivals(host_rate: int, host_block: int, model_rate: int) -> int:
    """Return the most frames at the model's rate that one host block can bring.

    >>> most_arrivals(48_000, 128, 44_100)
    118
    """
    return (host_block * model_rate + host_rate - 1) // host_rate


def to_host_frames(model_frames: int, host_rate: int, model_rate: int) -> int:
    """Convert a duration in model frames to host frames, rounded half to even like Python's ``round``.

    >>> to_host_frames(100, 48_000, 44_100)
    109
    """
    whole = model_frames * host_rate // model_rate
    rest = model_frames * host_rate - whole * model_rate
    if 2 * rest > model_rate or (2 * rest == model_rate and whole % 2 == 1):
        whole += 1
    return whole


def choose_model_rate(host_rate: int, native_rates: list[int]) -> int:
    """Return the model's sample rate in Hz: the host's own if the model supports it, otherwise the next higher one (so
    that no band is lost), otherwise the next lower one. An empty list supports any rate.

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
    """Return the block size (frames) with the least delay; if several have it, the largest (fewer calls). Returns 0 if
    the list is empty: the model takes any size and is given what has arrived.

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
