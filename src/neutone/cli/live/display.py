"""The display of ``neutone live`` on a terminal."""

from __future__ import annotations

import math
import time as clock
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from neutone.cli.live.controls import KEY_HELP, LiveControls
from neutone.cli.terminal import cell
from neutone.engine.live import Live

if TYPE_CHECKING:
    from rich.console import RenderableType

    from neutone.engine.stats import LiveStats
    from neutone.plugins import LiveHost

METER_WIDTH = 40
METER_FLOOR_DB = -60.0
METER_FALL_DB = 1.5
"""How far a meter falls in one frame of the display."""
CHANNELS_SHOWN = 8
WINDOW_SECONDS = 5.0


def decibels(amplitude: float) -> float:
    """Convert an amplitude to dBFS, not below -60.

    >>> decibels(1.0), decibels(0.0)
    (0.0, -60.0)
    """
    return max(METER_FLOOR_DB, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else METER_FLOOR_DB


def bar(fraction: float, width: int) -> str:
    """Return a bar of `width` characters, filled to a fraction (0..1).

    >>> bar(0.5, 8)
    '####....'
    """
    filled = round(min(max(fraction, 0.0), 1.0) * width)
    return "#" * filled + "." * (width - filled)


class LiveDisplay:
    """Renders a host and its controls. Times are those of the last five seconds."""

    def __init__(self, host: LiveHost, host_name: str, controls: LiveControls) -> None:
        self._host, self._host_name, self._controls = host, host_name, controls
        self._levels: dict[str, float] = {}
        self._history: deque[tuple[float, LiveStats]] = deque()

    def render(self) -> RenderableType:
        """Return the current picture."""
        parts: list[RenderableType] = [self._heading(), self._meters(), Text(), self._numbers(), Text()]
        if self._controls.selected is not None:
            parts += [self._parameters(), Text()]
        parts += self._remarks()
        parts.append(Text(KEY_HELP, style="dim"))
        return Group(*parts)

    def _heading(self) -> Text:
        engine = self._host.engine
        text = cell(engine.model.metadata.model_name, "bold")
        client = getattr(self._host, "client_name", "")
        where = f"{self._host_name} {client}".strip()
        text.append(f"   {where}, {engine.sample_rate} Hz, {engine.block_size} frames", style="dim")
        if self._controls.bypassed:
            text.append("   BYPASS", style="bold yellow")
        return text

    def _meters(self) -> Table:
        table = Table.grid(padding=(0, 1))
        inputs, outputs = Live.of(self._host.engine).take_peaks()
        for label, peaks in (("in", inputs), ("out", outputs)):
            for channel, peak in enumerate(peaks[:CHANNELS_SHOWN]):
                name = f"{label} {channel + 1}"
                level = max(decibels(peak), self._levels.get(name, METER_FLOOR_DB) - METER_FALL_DB)
                self._levels[name] = level
                style = "red" if level > -0.1 else "yellow" if level > -6.0 else "green"
                filled = bar(1.0 - level / METER_FLOOR_DB, METER_WIDTH)
                number = f"{level:6.1f} dB" if level > METER_FLOOR_DB else "  -inf dB"
                table.add_row(name, Text(filled, style=style), number)
        return table

    def _recent(self) -> tuple[LiveStats, LiveStats]:
        now = clock.monotonic()
        self._history.append((now, Live.of(self._host.engine).stats))
        while len(self._history) > 2 and self._history[0][0] < now - WINDOW_SECONDS:
            self._history.popleft()
        return self._history[0][1], self._history[-1][1]

    def _numbers(self) -> Table:
        before, after = self._recent()
        stats, latency, engine = self._host.stats, self._host.latency, self._host.engine
        model = after.model_times.since(before.model_times)
        callback = after.callback_times.since(before.callback_times)
        audio = 1e-9 * (after.audio_ns - before.audio_ns)
        computed = callback.total + (0.0 if after.model_in_callback else model.total)
        load = computed / audio if audio > 0.0 else 0.0
        table = Table.grid(padding=(0, 2))
        table.add_row("load", Text(f"{load:6.1%}  {bar(load, 20)}", style="red" if load > 0.8 else ""))
        table.add_row(
            "inference",
            f"{1e6 * model.percentile(50):.0f} us median, {1e6 * model.percentile(99):.0f} us 99 %, "
            f"{1e6 * after.model_times.longest:.0f} us longest; a block lasts "
            f"{1e6 * engine.block_size / engine.sample_rate:.0f} us",
        )
        parts = " + ".join(f"{frames} {part}" for part, frames in latency._asdict().items())
        table.add_row(
            "latency",
            f"{latency.milliseconds(engine.sample_rate):.1f} ms = {latency.total} frames: {parts}",
        )
        late = f"{stats.late_frames} frames late ({after.hurried_frames} hurried)"
        dropouts = f"{stats.xruns} xruns   {late}   {after.lost_frames} lost"
        clean = stats.xruns == stats.late_frames == after.lost_frames == 0
        table.add_row("dropouts", Text(dropouts, style="" if clean else "yellow"))
        return table

    def _parameters(self) -> Table:
        engine, controls = self._host.engine, self._controls
        numbers = {name: number for number, name in getattr(self._host, "cc_map", {}).items()}
        learning = getattr(self._host, "learning", None)
        table = Table.grid(padding=(0, 1))
        for name, value in engine.parameters.items():
            unit = engine.parameters.declaration(name).to_unit(value)
            midi = "move a MIDI control" if name == learning else f"CC {numbers[name]}" if name in numbers else ""
            selected = name == controls.selected
            table.add_row(
                ">" if selected else " ",
                cell(name, "bold" if selected else ""),
                bar(unit, 20),
                cell(value if isinstance(value, str) else f"{value:.3g}"),
                Text(midi, style="cyan"),
            )
        return table

    def _remarks(self) -> list[RenderableType]:
        engine = self._host.engine
        lines: list[RenderableType] = []
        scheduling = engine.stats.scheduling
        if not scheduling.startswith("real-time"):
            lines.append(Text(f"scheduling: {scheduling}", style="yellow"))
        if engine.error is not None:
            lines.append(cell(str(engine.error), "red"))
        return lines
