"""Make the pictures of the documentation.

    python docs/images/make.py

writes ``demo.png``, the picture of ``neutone demo``, and ``live.svg``, the display of ``neutone live`` while the demo's
guitar phrase plays through the amp. It needs ``neutone[onnx,plot]`` but no audio server.

``live.svg`` has the same text in every run, and tests/docs/test_pictures.py checks that it is up to date.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import soundfile
from PIL import Image
from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

import neutone
from neutone.cli.live.controls import LiveControls
from neutone.cli.live.display import LiveDisplay
from neutone.engine.live import Live
from neutone.engine.stats import Durations, LiveStats
from neutone.plugins import Device, Model, RunHost
from neutone.plugins.loading import ASSETS

HERE = Path(__file__).parent
RATE, BLOCK = 48_000, 256
BLOCKS_A_FRAME, FRAMES = 16, 36
"""The display is drawn 12 times per second of audio, for 3 seconds."""
LOAD, MEDIAN, LONGEST = 0.081, 197e-6, 322e-6
"""The times in the picture, in seconds, as measured on one machine with two AMD Zen 4 cores."""
WIDTH, COLOURS = 1200, 256


class PhraseDevice(Device):
    """Plays the phrase into an engine from a thread, as fast as the model allows. It is its own gate."""

    thread_name = "neutone-phrase"

    def __init__(self, engine: neutone.Engine, after_block: Callable[[int], None]) -> None:
        self.gate = self
        self._engine = engine
        self._after_block = after_block
        self._blocks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name="phrase")

    def open(self) -> None: ...

    def start(self) -> None:
        self._thread.start()

    def watch(self) -> None: ...

    def close(self, *, lost: bool = False) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def idle(self) -> bool:
        return not self._thread.is_alive()

    @property
    def counts(self) -> tuple[int, int]:
        return self._blocks, 0

    def _play(self) -> None:
        phrase = soundfile.read(ASSETS / "phrase.flac", dtype="float32", always_2d=True)[0].T.copy()
        for start in range(0, phrase.shape[1] - BLOCK, BLOCK):
            if self._ended.is_set():
                return
            self._engine.process(phrase[:1, start : start + BLOCK])
            self._blocks += 1
            self._after_block(self._blocks)


class PhraseHost(RunHost[PhraseDevice]):
    """A live host that needs no audio server."""

    name: ClassVar[str] = "phrase"

    def __init__(self, engine: neutone.Engine) -> None:
        super().__init__(engine)
        self.after_block: Callable[[int], None] = lambda blocks: None
        """Called in the audio thread with the number of blocks so far."""

    @classmethod
    def open(cls, model: Model, *, channels: int | None = 1, **options: Any) -> Self:
        return cls._around(cls._open_engine(model, RATE, BLOCK, channels, **options))

    def _make_device(self) -> PhraseDevice:
        return PhraseDevice(self._engine, lambda blocks: self.after_block(blocks))


class SteadyDisplay(LiveDisplay):
    """The display without what differs from run to run and from machine to machine."""

    def _recent(self) -> tuple[LiveStats, LiveStats]:
        now = Live.of(self._host.engine).stats
        seconds, blocks = 1e-9 * now.audio_ns, now.blocks
        slow = blocks // 50
        model = Durations(LOAD * seconds, LONGEST, {round(1e9 * MEDIAN): blocks - slow, round(1e9 * LONGEST): slow})
        before = replace(now, model_times=Durations(), callback_times=Durations(), audio_ns=0)
        return before, replace(now, model_times=model, callback_times=Durations())

    def _remarks(self) -> list[RenderableType]:
        return []  # whether this machine allows real-time scheduling


def draw_demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "neutone.cli", "demo", "--output", folder], check=True)
        with Image.open(Path(folder) / "demo.png") as drawn:
            height = round(WIDTH * drawn.height / drawn.width)
            smaller = drawn.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    smaller.quantize(COLOURS).save(HERE / "demo.png", optimize=True)


def draw_live(target: Path = HERE / "live.svg") -> None:
    host = PhraseHost.open(neutone.load(neutone.default_model()))
    host.engine.parameters["drive"] = 0.7
    display = SteadyDisplay(host, host.name, LiveControls(host))
    pictures: list[RenderableType] = []
    complete = threading.Event()

    def draw(blocks: int) -> None:  # in the audio thread, so that each picture belongs to a certain block
        if blocks % BLOCKS_A_FRAME == 0 and len(pictures) < FRAMES:
            pictures.append(display.render())
            if len(pictures) == FRAMES:
                complete.set()

    host.after_block = draw
    Live.of(host.engine).blocking = True  # so that no block is late
    with host:
        complete.wait(60.0)
    host.close()
    console = Console(record=True, width=82, file=io.StringIO())
    console.print(pictures[FRAMES - 1])
    console.save_svg(str(target), title="neutone live amp", theme=MONOKAI)


if __name__ == "__main__":
    draw_demo()
    draw_live()
