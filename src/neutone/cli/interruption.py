"""Signals that end a program: wherever it is, it comes to one clean end, and temporary files are removed.

SIGINT (Ctrl-C), SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, so that every ``with`` and ``finally``
runs. Raised in the middle of an import, it would leave modules half made, and come out as an ImportError or a traceback
of whoever was being imported; so an import is finished first.

Python raises it between two of its own instructions. A model that computes for ever in C never comes to one, so a
thread ends the process if it is still there a few seconds after the signal; and if that model keeps the GIL as well,
a thread that does without does so a second later.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from neutone._last_resort import set_grace, watch_signals
from neutone.file_replacement import remove_unfinished

SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
RETRY_SECONDS = 0.02
GRACE_SECONDS, LIVE_GRACE_SECONDS, NATIVE_EXTRA_SECONDS = 3.0, 10.0, 1.0

_received: int | None = None
_said = False
_event: threading.Event | None = None
_ENDED = threading.Event()


def received() -> bool:
    """Whether a signal has come, even if whatever was running then has swallowed the exception."""
    return _received is not None


def exit_code() -> int:
    """128 and the signal's number, as shells count; 130 before any has come."""
    return 128 + (signal.SIGINT if _received is None else _received)


def raise_on_signals() -> None:
    """From here on the signals raise KeyboardInterrupt. One that is ignored (``nohup``) stays so."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _retry)
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    source, target = receiver.detach(), sender.detach()
    signal.set_wakeup_fd(target, warn_on_full_buffer=False)  # written to at once, whatever the main thread is doing
    forwarded, forward = os.pipe()
    if watch_signals(source, forward):
        source = forwarded
    set_grace(GRACE_SECONDS + NATIVE_EXTRA_SECONDS)
    threading.Thread(target=_end_if_stuck, args=(source,), name="neutone-signals", daemon=True).start()


@contextmanager
def set_instead_of_raising() -> Iterator[threading.Event]:
    """An event that the signals set while the block lasts: for a program that holds the terminal and an audio server,
    and must not be torn out of the middle of a call to either. It is set already if one has come before."""
    global _event
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _event = threading.Event()
    set_grace(LIVE_GRACE_SECONDS + NATIVE_EXTRA_SECONDS)
    if received():
        _event.set()
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        signal.signal(number, _receive)
        if hasattr(signal, "siginterrupt"):  # libjack takes an interrupted system call for a broken server
            signal.siginterrupt(number, False)
    try:
        yield _event
    finally:
        _event = None
        set_grace(GRACE_SECONDS + NATIVE_EXTRA_SECONDS)
        for number, handler in before.items():
            signal.signal(number, handler)


def let_signals_end_the_process() -> None:
    """For the way out, when everything is written: what is left of Python has no use for an exception."""
    global _event
    _event = _ENDED  # from here on nothing is raised
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def say_so() -> None:
    """One line on stderr, without the means of a command; once."""
    global _said
    if _said:
        return
    _said = True
    with contextlib.suppress(OSError):
        os.write(2, b"neutone: interrupted\n")


def ignore_unraisable_interrupts() -> None:
    """An interrupt that comes in a destructor or a callback of C cannot be raised there; it is noted, and needs no
    traceback."""
    report = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            report(unraisable)

    sys.unraisablehook = hook


def _end_if_stuck(signals: int) -> None:
    while (number := os.read(signals, 1)[0]) not in SIGNALS:
        pass
    threading.Event().wait(GRACE_SECONDS if _event is None else LIVE_GRACE_SECONDS)
    remove_unfinished()
    say_so()
    os._exit(128 + number)


def _receive(number: int, frame: FrameType | None) -> None:
    global _received
    _received = number
    _end(frame)


def _retry(number: int, frame: FrameType | None) -> None:
    _end(frame)


def _end(frame: FrameType | None) -> None:
    if _event is not None:
        _event.set()
    elif hasattr(signal, "setitimer") and _is_importing(frame):
        signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
    else:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
