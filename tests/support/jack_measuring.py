"""Signals through a JACK client, recorded to the frame by two clients in a process of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from support.jack_server import JackServer
from support.waiting import wait_until

SOURCE = Path(__file__).with_name("jack_measuring_client.c")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
TAIL = 16384
ATTEMPTS = 6

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """The output of a client while a signal of `frames` frames went in."""

    audio: Array
    """The recording, of shape (channels, frames + TAIL): frame i was heard at the very time at which frame i was
    sent."""
    latency: tuple[int, int]
    """The least and the largest latency in frames from the source to the sink, as JACK knows them."""
    gaps: int
    """The cycles that the source or the sink missed."""
    xruns: int
    """The xruns that the server reported meanwhile. A patient server still loses nothing."""


class MeasuringClient:
    """The compiled program that plays and records."""

    def __init__(self, folder: Path) -> None:
        if COMPILER is None:
            pytest.skip("no C compiler: nothing was measured through JACK")
        self._program = folder / "jack_measuring_client"
        self._folder = folder
        flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([COMPILER, *flags, str(SOURCE), "-o", str(self._program), "-ldl"], check=True)

    def play(
        self,
        server: JackServer,
        client: str,
        audio: Array,
        controller: tuple[int, int] | None = None,
        first_ports: tuple[str, str] = ("in_1", "out_1"),
    ) -> Recording:
        """Send (channels, frames) float32 to a client, and a MIDI controller (number, value) at its first frame."""
        channels, frames = audio.shape
        sent, heard = self._folder / "sent.f32", self._folder / "heard.f32"
        np.ascontiguousarray(audio, np.float32).tofile(sent)
        event = [] if controller is None else [str(number) for number in controller]
        done = subprocess.run(
            [
                *(str(self._program), "libjack.so.0", server.name, client, *first_ports),
                *(str(channels), str(frames), str(sent), str(heard), *event),
            ],
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, f"the measuring client ended with {done.returncode}: {done.stdout}{done.stderr}"
        said = json.loads(done.stdout.splitlines()[-1])
        audio_heard = np.fromfile(heard, np.float32).reshape(channels, frames + TAIL)
        return Recording(audio_heard, tuple(said["latency"]), said["gaps"], said["xruns"])

    def play_undisturbed(self, server: JackServer, host, audio: Array) -> Recording:
        """Play on a patient server, and again if the machine was too busy: cycles were missed, or the model was
        late."""
        for _ in range(ATTEMPTS):
            host.engine.reset()
            late = host.stats.late_frames
            recording = self.play(server, host.client_name, audio)
            if recording.gaps == 0 and host.stats.late_frames == late:
                return recording
        raise AssertionError(
            f"in {ATTEMPTS} attempts this machine was never free for {audio.shape[1] / server.sample_rate:.1f} s: "
            f"{recording.gaps} gaps, {host.stats}"
        )


def round_trip_of_jack_iodelay(server: JackServer, client: str) -> int:
    """Return the round trip in frames, as JACK's own measuring program reads it around a client."""
    program = ["stdbuf", "-oL", "jack_iodelay"]
    process = subprocess.Popen(
        program, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        wait_until(lambda: "jack_delay:out" in server.ports(), what="jack_iodelay is there")
        server.connect("jack_delay:out", f"{client}:in_1")
        server.connect(f"{client}:out_1", "jack_delay:in")
        last = None
        for _ in range(300):  # twelve a second; most of them are about other things
            line = process.stdout.readline()
            found = re.match(r"\s*([\d.]+) frames.*total roundtrip latency", line)
            if found:
                reading = None if "??" in line else round(float(found[1]))  # it marks readings that it doubts
                if reading is not None and reading == last:
                    return reading
                last = reading
        raise AssertionError("jack_iodelay never read the same delay twice")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
