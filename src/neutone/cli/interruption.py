"""Signals that end the program. Whatever it is doing, it ends cleanly, and temporary files are removed.

SIGINT (Ctrl-C), SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, so that every ``with`` and ``finally``
runs. In the middle of an import, the exception would leave modules half initialised, and might come out as an
ImportError or a traceback from the imported module. So an import is finished first.

Python raises the exception between two of its own instructions. A model that computes forever in C never gets to one.
So a thread ends the process if it still runs a few seconds after the signal; and if that model also keeps the GIL, a
thread that does not need the GIL does so a second later.
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
    """Return whether a signal has come, even if the exception was swallowed by whatever was running."""
    return _received is not None


def exit_code() -> int:
    """Return 128 plus the signal's number, as shells count, or 130 if no signal has come."""
    return 128 + (signal.SIGINT if _received is None else _received)


def raise_on_signals() -> None:
    """Make the signals raise KeyboardInterrupt from now on. A signal that is ignored (``nohup``) stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _retry)
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    source, target = receiver.detach(), sender.detach()
    signal.set_wakeup_fd(target, warn_on_full_buffer=False)  # written at once, whatever the main thread is doing
    forwarded, forward = os.pipe()
    if watch_signals(source, forward):
        source = forwarded
    set_grace(GRACE_SECONDS + NATIVE_EXTRA_SECONDS)
    threading.Thread(target=_end_if_stuck, args=(source,), name="neutone-signals", daemon=True).start()


@contextmanager
def set_instead_of_raising() -> Iterator[threading.Event]:
    """Give an event that the signals set during the ``with`` block, instead of raising.

    For a program that uses the terminal and an audio server, and must not be interrupted in the middle of a call to
    either. If a signal has come before, the event is already set."""
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
        if hasattr(signal, "siginterrupt"):  # libjack mistakes an interrupted system call for a broken server
            signal.siginterrupt(number, False)
    try:
        yield _event
    finally:
        _event = None
        set_grace(GRACE_SECONDS + NATIVE_EXTRA_SECONDS)
        for number, handler in before.items():
            signal.signal(number, handler)


def let_signals_end_the_process() -> None:
    """Let the signals end the process at once. For the end of the program, when everything has been written."""
    global _event
    _event = _ENDED  # from now on nothing is raised
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def say_so() -> None:
    """Print one line on stderr, at most once. It works before a command's output is set up."""
    global _said
    if _said:
        return
    _said = True
    with contextlib.suppress(OSError):
        os.write(2, b"neutone: interrupted\n")


def ignore_unraisable_interrupts() -> None:
    """Hide the traceback of an interrupt that comes in a destructor or a C callback.
    It cannot be raised there, but it is noted."""
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
