"""Engines in the background, and audio threads that drive them."""

import threading
import time

import numpy as np

from neutone import Engine
from support.models import FunctionModel

BLOCK = 64


def background(model=None, rate=48_000, block=BLOCK, channels=1, *, blocking=True, **options):
    engine = Engine(model or FunctionModel(channels=(1, 1)), rate, block, channels, background=True, **options)
    engine.blocking = blocking
    return engine


class Driver:
    """An audio thread that never stops, at about the right speed."""

    def __init__(self, engine, channels=1, block=BLOCK):
        self.engine, self.channels, self.block = engine, channels, block
        self.errors, self.out = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        tick = 0
        while not self._stop.is_set():
            time.sleep(self.block / 48_000)
            t = np.arange(tick, tick + self.block)
            audio = np.tile(np.sin(2 * np.pi * 440 * t / 48_000).astype(np.float32), (self.channels, 1))
            tick += self.block
            try:
                self.out.append(self.engine.process(audio))
            except Exception as error:
                self.errors.append(error)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class Gate:
    """A model that runs only while the test lets it."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()

    def __call__(self, audio, params, out):
        self.open.wait()
        out[...] = 2.0 * audio
