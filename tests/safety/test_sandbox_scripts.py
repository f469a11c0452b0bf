"""The sandbox: TorchScript files that attack whoever opens them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from neutone.errors import SandboxError
from neutone.sandbox import Limits, Protections, run_sandboxed
from support.places import TESTS
from support.protections import needs_both
from support.sandboxes import BOTH, FILES_ONLY, FILTER_ONLY, freely

pytestmark = pytest.mark.long


class TestHostileScripts:
    @pytest.fixture(autouse=True)
    def torch_is_there(self) -> None:
        pytest.importorskip("torch")

    def open_in_sandbox(self, file: Path, **limits: Any) -> Any:
        return run_sandboxed(
            "support.hostile_scripts:load",
            {"path": str(file)},
            readable=[file],
            modules=["torch"],
            limits=Limits(**limits),
        ).value

    @pytest.fixture
    def victim(self, tmp_path: Path) -> Path:
        path = tmp_path / "victim.txt"
        path.write_text("something of the user's, 40 bytes or more\n")
        return path

    @needs_both
    @pytest.mark.parametrize("protections", [BOTH, FILTER_ONLY, FILES_ONLY])
    def test_writes_files(self, protections: Protections, victim: Path, tmp_path: Path) -> None:
        from support import hostile_scripts

        text = victim.read_text()
        file = hostile_scripts.save(tmp_path / "evil.ts", hostile_scripts.WritesFile(str(victim)))
        with pytest.raises(SandboxError, match=r"refuses: .*victim\.txt"):
            run_sandboxed(
                "support.hostile_scripts:load",
                {"path": str(file)},
                readable=[file, victim],
                modules=["torch"],
                protections=protections,
            )
        assert victim.read_text() == text
        assert freely("load", "support.hostile_scripts", path=str(file)) == "done"
        assert victim.read_text() == "B" * 16 + text[16:]

    @needs_both
    def test_writes_into_its_own_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from support import hostile_scripts

        monkeypatch.chdir(tmp_path)
        file = hostile_scripts.save(tmp_path / "own.ts", hostile_scripts.WritesFile("note.bin"))
        assert self.open_in_sandbox(file) == "done"
        assert not Path("note.bin").exists()
        assert freely("load", "support.hostile_scripts", path=str(file)) == "done"
        assert Path("note.bin").read_bytes() == b"B" * 16

    def test_never_ends(self, victim: Path, tmp_path: Path) -> None:
        from support import hostile_scripts

        file = hostile_scripts.save(tmp_path / "loop.ts", hostile_scripts.Loops(str(victim)))
        code = "import sys; from support import hostile_scripts; hostile_scripts.load(sys.argv[1])"
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(file)], env={**os.environ, "PYTHONPATH": str(TESTS)}
        )
        try:
            while not victim.read_text().startswith("B" * 16):  # the process runs the file's code from now on
                assert process.poll() is None
                time.sleep(0.1)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(2.0)
        finally:
            process.kill()
            process.wait()
        file = hostile_scripts.save(tmp_path / "silent.ts", hostile_scripts.Loops(""))
        with pytest.raises(SandboxError, match="time limit of 10 s"):
            self.open_in_sandbox(file, seconds=10)

    @pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no limit on address space")
    def test_takes_memory(self, tmp_path: Path) -> None:
        from support import hostile_scripts

        some = hostile_scripts.save(tmp_path / "some.ts", hostile_scripts.Allocates(4))
        assert freely("load", "support.hostile_scripts", path=str(some)) == "done"
        assert self.open_in_sandbox(some) == "done"
        for pieces in (4, -1):
            file = hostile_scripts.save(tmp_path / "more.ts", hostile_scripts.Allocates(pieces))
            with pytest.raises(SandboxError, match="limit of 512 MiB"):
                self.open_in_sandbox(file, memory_mb=512)
