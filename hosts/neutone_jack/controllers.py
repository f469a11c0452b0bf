"""Which MIDI controller sets which parameter."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from neutone.errors import ConfigurationError, UnknownParameterError
from neutone.validation import require_integer
from neutone_jack._callback import CONTROLLERS, Callback


class Controllers:
    """The mapping from controller numbers to parameter names, kept in the table that the audio thread reads."""

    def __init__(self, callback: Callback, parameters: Sequence[str], wanted: Mapping[int, str]) -> None:
        self._callback = callback
        self._lock = threading.Lock()
        self._names = list(parameters)
        if not isinstance(wanted, Mapping):
            raise ConfigurationError(f"cc is {wanted!r}, expected a mapping of parameter names by controller number")
        for number, name in wanted.items():
            self.assign(number, name)

    def move_to(self, callback: Callback) -> None:
        """Use this callback's table from now on, with the contents of the previous one."""
        with self._lock:
            for number, row in enumerate(self._callback.controllers()):
                callback.set_controller(number, row)
            callback.learn(self._callback.learning)
            self._callback = callback

    def _row(self, name: str) -> int:
        try:
            return self._names.index(name)
        except ValueError:
            known = ", ".join(self._names) or "none"
            raise UnknownParameterError(f"no parameter {name!r}; the model declares: {known}") from None

    def assign(self, number: int, name: str | None) -> None:
        """Let controller 0..119, on any MIDI channel, set a parameter from its low end (0) to its high end (127)."""
        controller = require_integer(number, "MIDI controller", 0, CONTROLLERS - 1)
        row = -1 if name is None else self._row(name)
        with self._lock:
            self._callback.set_controller(controller, row)

    def learn(self, name: str | None) -> None:
        """Map the next controller that arrives to this parameter. None stops waiting for a controller."""
        row = -1 if name is None else self._row(name)
        with self._lock:
            self._callback.learn(row)

    @property
    def learning(self) -> str | None:
        """The parameter that waits for a controller, or None if none does."""
        row = self._callback.learning
        return None if row < 0 else self._names[row]

    def as_dict(self) -> dict[int, str]:
        """Return a mapping from controller numbers to parameter names, including learnt ones."""
        return {number: self._names[row] for number, row in enumerate(self._callback.controllers()) if row >= 0}
