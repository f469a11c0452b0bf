"""The sandbox: what succeeds in a free process and is stopped in the sandbox, and what still works there."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from neutone.errors import SandboxError
from neutone.sandbox import Protections, run_sandboxed, seccomp
from neutone.sandbox.syscall_numbers import CHANGES_FILES, CHECKED, NEVER
from support.protections import needs_both
from support.sandboxes import ABI, BOTH, FILES_ONLY, FILTER_ONLY, freely, posix, sandboxed

pytestmark = pytest.mark.long


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
    """Return what the filter for a processor decides about a call, by running its program as the kernel would."""
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
