"""Make the pictures of the documentation.

    python docs/images/make.py

writes ``demo.png``, the picture of ``neutone demo``, and ``live.svg``, the display of ``neutone live`` while the demo's
guitar phrase plays through the amp. It needs ``neutone[onnx,plot]`` but no audio server.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, Self

import soundfile
from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

import neutone
from neutone.cli.live.controls import LiveControls
from neutone.cli.live.display import LiveDisplay
from neutone.plugins import Device, Model, RunHost
from neutone.plugins.loading import ASSETS

HERE = Path(__file__).parent
RATE, BLOCK = 48_000, 256
SECONDS, FRAMES_A_SECOND = 3.0, 12
WIDTH, COLOURS = 1200, 256


class PhraseDevice(Device):
    """Plays the phrase into an engine from a thread, at about the speed of live audio. It is its own gate."""

    thread_name = "neutone-phrase"

    def __init__(self, engine: neutone.Engine) -> None:
        self.gate = self
        self._engine = engine
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
            time.sleep(BLOCK / RATE)  # never two blocks in a row to catch up: they would be late


class PhraseHost(RunHost[PhraseDevice]):
    """A live host that needs no audio server."""

    name: ClassVar[str] = "phrase"

    @classmethod
    def open(cls, model: Model, *, channels: int | None = 1, **options: Any) -> Self:
        return cls._around(cls._open_engine(model, RATE, BLOCK, channels, **options))

    def _make_device(self) -> PhraseDevice:
        return PhraseDevice(self._engine)


def draw_demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "neutone.cli", "demo", "--output", folder], check=True)
        with Image.open(Path(folder) / "demo.png") as drawn:
            height = round(WIDTH * drawn.height / drawn.width)
            smaller = drawn.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    smaller.quantize(COLOURS).save(HERE / "demo.png", optimize=True)


def draw_live() -> None:
    host = PhraseHost.open(neutone.load(neutone.default_model()))
    host.engine.parameters["drive"] = 0.7
    display = LiveDisplay(host, host.name, LiveControls(host))
    with host:
        for _ in range(round(SECONDS * FRAMES_A_SECOND)):
            time.sleep(1.0 / FRAMES_A_SECOND)
            picture = display.render()
        console = Console(record=True, width=82, file=io.StringIO())
        console.print(picture)
    host.close()
    console.save_svg(str(HERE / "live.svg"), title="neutone live amp", theme=MONOKAI)


if __name__ == "__main__":
    draw_demo()
    draw_live()
