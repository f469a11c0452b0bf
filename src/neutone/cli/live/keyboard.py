"""Read single keys from a terminal, without waiting and without Enter."""

from __future__ import annotations

import os
import signal
import sys
from types import TracebackType
from typing import Any, Self

NAMES = {"[A": "up", "[B": "down", "[C": "right", "[D": "left", "OA": "up", "OB": "down", "OC": "right", "OD": "left"}
"""What terminals send after ESC for the arrow keys (ECMA-48 cursor keys, in normal and application mode)."""


def split_keys(text: str) -> list[str]:
    """Split typed text into characters and names of arrow keys.

    >>> split_keys("q\\x1b[A\\x1b[C+")
    ['q', 'up', 'right', '+']
    """
    keys, position = [], 0
    while position < len(text):
        sequence = text[position + 1 : position + 3]
        if text[position] == "\x1b" and sequence in NAMES:
            keys.append(NAMES[sequence])
            position += 3
        else:
            keys.append(text[position])
            position += 1
    return keys


class Keyboard:
    """Reads keys typed into stdin. During the ``with`` block they are not echoed, and arrive at once.
    If stdin is not a terminal, there are none."""

    def __init__(self) -> None:
        self._settings: Any = None
        self._on_continue: Any = signal.SIG_DFL

    def __enter__(self) -> Self:
        if sys.stdin is not None and sys.stdin.isatty() and os.name == "posix":
            import termios
            import tty

            self._settings = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
            # While the program is stopped (Ctrl-Z), the shell restores its own settings.
            self._on_continue = signal.signal(signal.SIGCONT, lambda number, frame: tty.setcbreak(sys.stdin))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._settings is not None:
            import termios

            signal.signal(signal.SIGCONT, self._on_continue)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._settings)

    def pressed(self) -> list[str]:
        """Return the keys pressed since the last call."""
        if sys.stdin is None or not sys.stdin.isatty():
            return []
        if os.name == "posix":
            import select

            text = ""
            while select.select([sys.stdin], [], [], 0.0)[0]:
                more = os.read(sys.stdin.fileno(), 256).decode(errors="replace")
                if not more:  # the terminal has gone away
                    break
                text += more
            return split_keys(text)
        return _pressed_on_windows()


def _pressed_on_windows() -> list[str]:
    import msvcrt

    console: Any = msvcrt  # its functions exist on Windows only
    arrows = {"H": "up", "P": "down", "M": "right", "K": "left"}
    keys = []
    while console.kbhit():
        key = console.getwch()
        keys.append(arrows.get(console.getwch(), "") if key in ("\x00", "\xe0") else key)
    return keys
