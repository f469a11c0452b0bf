"""The actions of the keys in ``neutone live``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neutone.model.parameters import CategoricalNeutoneParameter

if TYPE_CHECKING:
    from neutone.plugins import LiveHost

STEP = 0.02
LARGE_STEP = 0.1
KEY_HELP = """up/down choose   left/right change   -/+ by more   d default   l learn MIDI
b bypass   r reset   q quit"""


class LiveControls:
    """Keeps which parameter is selected and whether the model is bypassed."""

    def __init__(self, host: LiveHost) -> None:
        self._host = host
        self._engine = host.engine
        self._names = list(host.engine.parameters)
        self._selected = 0
        self._mix_before: tuple[float, float] | None = None
        self.quits = False

    @property
    def selected(self) -> str | None:
        """The name of the selected parameter, or None if the model has no parameters."""
        return self._names[self._selected] if self._names else None

    @property
    def bypassed(self) -> bool:
        """Whether only the input is heard, delayed like the model's output."""
        return self._mix_before is not None

    @property
    def can_learn(self) -> bool:
        """Whether the host has a MIDI input."""
        return hasattr(self._host, "learn")

    def press(self, key: str) -> None:
        """Perform the action of a key. Keys without an action are ignored."""
        if key in ("q", "\x03", "\x04"):
            self.quits = True
        elif key == "b":
            self._toggle_bypass()
        elif key == "r":
            self._engine.reset()
        elif key in ("up", "k"):
            self._select(-1)
        elif key in ("down", "j", "\t"):
            self._select(1)
        elif self.selected is not None:
            self._change(self.selected, key)

    def _select(self, step: int) -> None:
        if self._names:
            self._selected = (self._selected + step) % len(self._names)

    def _change(self, name: str, key: str) -> None:
        steps = {"right": STEP, "left": -STEP, "+": LARGE_STEP, "=": LARGE_STEP, "-": -LARGE_STEP}
        if key in steps:
            self._move(name, steps[key])
        elif key == "d":
            del self._engine.parameters[name]
        elif key == "l" and self.can_learn:
            waiting = getattr(self._host, "learning", None)
            self._host.learn(None if waiting == name else name)  # type: ignore[attr-defined]

    def _move(self, name: str, step: float) -> None:
        parameters = self._engine.parameters
        parameter = parameters.declaration(name)
        value = parameters[name]
        if isinstance(parameter, CategoricalNeutoneParameter):
            labels = parameter.choices
            place = labels.index(str(value)) + (1 if step > 0 else -1)
            parameters[name] = labels[min(max(place, 0), len(labels) - 1)]
        else:
            parameters[name] = parameter.from_unit(min(max(parameter.to_unit(value) + step, 0.0), 1.0))

    def _toggle_bypass(self) -> None:
        if self._mix_before is None:
            self._mix_before = self._engine.wet, self._engine.dry
            self._engine.wet, self._engine.dry = 0.0, 1.0
        else:
            self._engine.wet, self._engine.dry = self._mix_before
            self._mix_before = None
