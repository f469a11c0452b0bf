"""The sandbox: its limits, its results, and systems that lack its protections."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from neutone.errors import ConfigurationError, MetadataError, ModelFileError, SandboxError, SandboxWarning
from neutone.sandbox import Limits, Protections, run_sandboxed, scratch_file
from support.protections import AVAILABLE, needs_both
from support.sandboxes import FILTER_ONLY, freely, posix, sandboxed

pytestmark = pytest.mark.long

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


# -- results -----------------------------------------------------------------------------------------------------------


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
    with pytest.raises(SandboxError, match=r"not a result|other sizes|without a result"):
        sandboxed("forge", message=message)


def test_a_reply_that_is_too_large() -> None:
    with pytest.raises(SandboxError, match="not a result"):
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
    found = run_sandboxed("support.sandbox_probes:read_scratch_file", {}, protections=FILTER_ONLY).value
    assert found == ["/proc/self/fd", "in memory"]
