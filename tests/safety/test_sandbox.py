"""The sandbox: what succeeds in a free process and is stopped in this one, and what still works in it."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from neutone.errors import ConfigurationError, MetadataError, ModelFileError, SandboxError, SandboxWarning
from neutone.sandbox import Limits, Protections, Results, available_protections, run_sandboxed, scratch_file, seccomp
from neutone.sandbox.syscall_numbers import CHANGES_FILES, CHECKED, NEVER
from support.places import TESTS

AVAILABLE = available_protections()
ABI = AVAILABLE.landlock_abi
BOTH, FILTER_ONLY, FILES_ONLY = AVAILABLE, Protections(0, True), Protections(ABI, False)

needs_both = pytest.mark.skipif(not AVAILABLE.is_complete, reason="this system has not both Landlock and seccomp")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def sandboxed(function: str, *, protections: Protections | None = None, **arguments: Any) -> Any:
    return run_sandboxed(f"support.sandbox_probes:{function}", arguments, protections=protections).value


def freely(function: str, module: str = "support.sandbox_probes", **arguments: Any) -> Any:
    """The same function in a process with all rights: the positive control."""
    code = f"import json, sys; from {module} import {function} as f; print(json.dumps(f(**json.loads(sys.argv[1]))))"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    return json.loads(run.stdout)


# -- rights ------------------------------------------------------------------------------------------------------------


@needs_both
@pytest.mark.parametrize(
    ("function", "arguments", "stopped_by"),
    [
        ("open_socket", {"kind": "tcp"}, [BOTH, FILTER_ONLY]),
        ("open_socket", {"kind": "udp"}, [BOTH, FILTER_ONLY]),
        ("open_socket", {"kind": "unix"}, [BOTH, FILTER_ONLY]),
        ("fork", {}, [BOTH, FILTER_ONLY]),
        ("execute", {}, [BOTH, FILTER_ONLY, FILES_ONLY]),
        ("signal_parent", {}, [BOTH, FILTER_ONLY]),
        ("look_at_parent", {}, [BOTH, FILES_ONLY]),
        ("memory_file", {}, [BOTH]),
        ("outlive_the_parent", {}, [BOTH, FILTER_ONLY]),
        ("lease", {"path": "/usr/bin/env"}, [BOTH, FILTER_ONLY]),
    ],
)
def test_rights_that_are_gone(function: str, arguments: dict[str, Any], stopped_by: list[Protections]) -> None:
    assert freely(function, **arguments) == "done"
    for protections in stopped_by:
        with pytest.raises(SandboxError, match=r"refuses: .*(not permitted|denied)"):
            sandboxed(function, protections=protections, **arguments)


@needs_both
def test_no_connection_to_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert freely("connect", port=port) == "done"
        server.accept()[0].close()
        server.setblocking(False)
        stoppers = [BOTH, FILTER_ONLY, *([FILES_ONLY] if ABI >= 4 else [])]
        for protections in stoppers:
            with pytest.raises(SandboxError, match="refuses"):
                sandboxed("connect", protections=protections, port=port)
        with pytest.raises(BlockingIOError):
            server.accept()


@needs_both
@pytest.mark.parametrize(
    ("function", "stopped_by"),
    [
        ("read", [BOTH, FILES_ONLY]),
        ("write", [BOTH, FILTER_ONLY, FILES_ONLY]),
        ("link", [BOTH, FILTER_ONLY, FILES_ONLY]),
        ("change_mode", [BOTH, FILTER_ONLY]),
        ("delete", [BOTH, FILTER_ONLY, FILES_ONLY]),
    ],
)
def test_files_outside_its_folder(function: str, stopped_by: list[Protections], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("something of the user's")
    before = victim.stat()
    for protections in stopped_by:
        with pytest.raises(SandboxError, match=r"refuses: .*victim"):
            sandboxed(function, protections=protections, path=str(victim))
    assert victim.read_text() == "something of the user's"
    assert (victim.stat().st_mode, victim.stat().st_nlink) == (before.st_mode, 1)
    assert freely(function, path=str(victim)) == "done"


@needs_both
def test_the_home_folder_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / ".netrc"
    secret.write_text("password")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert freely("read", path=str(secret)) == "done"
    with pytest.raises(SandboxError, match=r"refuses: .*\.netrc"):
        sandboxed("read", path=str(secret))


@needs_both
@pytest.mark.skipif(ABI == 0 or os.name != "posix", reason="needs /tmp")
def test_the_common_temporary_folder_is_not_its_own() -> None:
    outside = Path("/tmp") / f"neutone-outside-{os.getpid()}"
    try:
        for protections in (BOTH, FILTER_ONLY, FILES_ONLY):
            with pytest.raises(SandboxError, match="refuses"):
                sandboxed("write", protections=protections, path=str(outside))
        assert not outside.exists()
        assert freely("write", path=str(outside)) == "done"
    finally:
        outside.unlink(missing_ok=True)


def test_what_it_is_given_can_be_read(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("text")
    assert run_sandboxed("support.sandbox_probes:read", {"path": str(given)}, readable=[given]).value == "done"


@needs_both
@pytest.mark.parametrize("protections", [BOTH, FILES_ONLY])
def test_its_own_folder_is_its_own_and_goes_with_it(protections: Protections) -> None:
    assert sandboxed("use_own_folder", protections=protections) == "mine"
    folder = Path(sandboxed("environment", protections=protections)["HOME"])
    assert folder.name.startswith("neutone-")
    assert not folder.exists()


@needs_both
def test_deep_folders_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert sandboxed("bury") == "done"
    assert list(tmp_path.iterdir()) == []


def test_threads_still_work() -> None:
    assert sandboxed("threads") == 4


@needs_both
def test_calls_of_another_processor_end_it() -> None:
    with pytest.raises(SandboxError, match=r"SIGSYS.*never allowed"):
        sandboxed("call_foreign_abi")


@posix
def test_secrets_of_the_parent_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "secret")
    assert freely("environment")["SERVICE_TOKEN"] == "secret"
    assert "SERVICE_TOKEN" not in sandboxed("environment")
    if Path("/proc/self/fd").exists():
        with (tmp_path / "open in the parent").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            assert not any("open in the parent" in target for target in sandboxed("open_files"))


@needs_both
def test_ways_around_through_proc(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    for way in ("/proc/self/root", "/proc/thread-self/root", "/proc/self/cwd/../../.."):
        with pytest.raises(SandboxError, match=r"refuses|No such file"):
            sandboxed("read", path=f"{way}{secret}")
    with pytest.raises(SandboxError, match="refuses"):
        sandboxed("write", path="/proc/self/mem")


def decide(processor: str, name: str, *arguments: int, architecture: int | None = None, offset: int = 0) -> int:
    """What the filter for a processor says to a call, by running its program as the kernel would."""
    column, own = seccomp.PROCESSORS[processor]
    number = (NEVER | CHANGES_FILES | CHECKED)[name][column]
    assert number is not None
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number + offset, own if architecture is None else architecture, 0, *words)
    program = seccomp.assemble(seccomp.rules(landlock_abi=0, own=1000), processor)
    at, loaded = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        match code:
            case seccomp.LOAD_WORD:
                (loaded,) = struct.unpack_from("<I", data, value)
            case seccomp.JUMP_IF_EQUAL:
                at += if_true if loaded == value else if_false
            case seccomp.JUMP_IF_AT_LEAST:
                at += if_true if loaded >= value else if_false
            case seccomp.JUMP_IF_ANY_BIT:
                at += if_true if loaded & value else if_false
            case seccomp.RETURN:
                return int(value)


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_the_filter_on_other_processors(processor: str) -> None:
    refused, allowed = seccomp.REFUSE, seccomp.ALLOW
    for name in ("socket", "execve", "ptrace", "fchmodat", "bpf", "unlinkat"):
        assert decide(processor, name) == refused
    assert decide(processor, "clone", 0x11) == refused
    assert decide(processor, "clone", 0x3D0F00) == allowed
    assert decide(processor, "clone3") == decide(processor, "openat2") == seccomp.UNKNOWN
    assert [decide(processor, "kill", pid) for pid in (1000, 1001, 0, 2**32 - 1)] == [allowed, *[refused] * 3]
    assert [decide(processor, "openat", 0, 0, flags) for flags in (0, 0o2000000)] == [allowed] * 2
    assert [decide(processor, "openat", 0, 0, flags) for flags in (1, 2, 0o100, 0o1000)] == [refused] * 4
    assert [decide(processor, "fcntl", 0, command) for command in (1, 3, 8, 15)] == [allowed] * 2 + [refused] * 2
    assert [decide(processor, "ioctl", 0, command) for command in (0x5401, 0x5412)] == [allowed, refused]
    assert decide(processor, "socket", architecture=0x40000003) == seccomp.KILL
    assert decide(processor, "socket", offset=0x40000000) == seccomp.KILL
    assert decide(processor, "socket", offset=600) == seccomp.UNKNOWN


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_time_limit_ends_it() -> None:
    with pytest.raises(SandboxError, match="time limit of 5 s"):
        run_sandboxed("support.sandbox_probes:sleep_for_ever", {}, limits=Limits(seconds=5))


def test_what_it_prints_is_bounded_and_stays_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SandboxError, match="time limit"):
        run_sandboxed("support.sandbox_probes:print_for_ever", {}, limits=Limits(seconds=5))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no limit on address space")
def test_memory_is_limited() -> None:
    limits = Limits(memory_mb=128)
    assert run_sandboxed("support.sandbox_probes:allocate", {"mib": 32}, limits=limits).value == 32 << 20
    assert freely("allocate", mib=256) == 256 << 20
    with pytest.raises(SandboxError, match="limit of 128 MiB"):
        run_sandboxed("support.sandbox_probes:allocate", {"mib": 256}, limits=limits)


@needs_both
def test_files_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert freely("fill_file", mib=8) == 8
    limits = Limits(file_mb=4)
    assert run_sandboxed("support.sandbox_probes:fill_file", {"mib": 3}, limits=limits).value == 3
    with pytest.raises(SandboxError, match=rf"File too large|{os.strerror(errno.EFBIG)}|SIGXFSZ"):
        run_sandboxed("support.sandbox_probes:fill_file", {"mib": 8}, limits=limits)


@pytest.mark.parametrize("name", ["seconds", "memory_mb", "file_mb"])
def test_limits_are_above_zero(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is 0"):
        Limits(**{name: 0})


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_files_come_back_whole() -> None:
    answer = run_sandboxed("support.sandbox_probes:many_files", {})
    assert answer.value == 1
    assert dict(answer.files) == {"one": b"abc", "two": b"", "three": b"de"}
    assert answer.protections == AVAILABLE


def test_texts_cannot_steer_a_terminal() -> None:
    assert sandboxed("escape") == {"name?[2J": "tape?]0;title??"}


@pytest.mark.parametrize(
    "message",
    [
        "nonsense\n",
        "[" * 100_000,
        '{"value": ' + "[" * 900 + "]" * 900 + "}\n",
        '{"value": 1, "files": {"a": 100}}\nshort',
        '{"value": 1, "files": {"a": -1}}\n',
        '{"value": 1, "files": [1]}\n',
        "",
    ],
)
def test_a_forged_reply_is_no_result(message: str) -> None:
    with pytest.raises(SandboxError, match=r"no result|other sizes|without a result"):
        sandboxed("forge", message=message)


def test_a_reply_that_is_too_large() -> None:
    with pytest.raises(SandboxError, match="no result"):
        sandboxed("large")


@posix
def test_crashes_are_told_apart() -> None:
    with pytest.raises(SandboxError, match="SIGABRT: it crashed"):
        sandboxed("crash")
    with pytest.raises(SandboxError, match="SIGTERM"):
        sandboxed("end_by_signal")


@pytest.mark.parametrize("kind", [ModelFileError, MetadataError])
def test_errors_keep_their_class(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="as it was raised"):
        sandboxed("raise_error", name=kind.__name__)


def test_functions_that_are_not_there() -> None:
    with pytest.raises(SandboxError, match="cannot be imported in the sandbox"):
        sandboxed("no_such_function")


# -- other systems -----------------------------------------------------------------------------------------------------


def test_a_system_without_protections_says_so() -> None:
    nothing = Protections(0, False)
    with pytest.warns(SandboxWarning, match="neither Landlock nor seccomp"):
        answer = run_sandboxed("support.sandbox_probes:threads", {}, protections=nothing)
    assert answer.value == 4
    assert answer.protections.describe() == "limits on time and resources only"


def test_descriptions() -> None:
    assert Protections(7, True).describe() == "Landlock (ABI 7) and seccomp: no network, no files but its own"
    assert Protections(3, False).describe() == "Landlock (ABI 3): no files but its own, network open"
    assert Protections(0, True).describe() == "seccomp: no network, no writing; files can be read"
    assert not Protections(0, True).is_complete


@needs_both
def test_scratch_files_without_a_folder() -> None:
    with scratch_file(b"on disk", ".bin") as path:
        assert path.read_bytes() == b"on disk"
        assert path.suffix == ".bin"
    assert not path.exists()
    found = run_sandboxed("test_sandbox:read_scratch_file", {}, protections=FILTER_ONLY).value
    assert found == ["/proc/self/fd", "in memory"]


def read_scratch_file() -> Results:
    with scratch_file(b"in memory") as path:
        return Results([str(path.parent), path.read_text()])


# -- TorchScript files that attack -------------------------------------------------------------------------------------


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
            while not victim.read_text().startswith("B" * 16):  # it is in the file's code from now on
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
