"""A seccomp filter: it decides which system calls a Linux process may make.

The filter lists what is refused, because Python and PyTorch need hundreds of harmless calls. Calls that reach another
process, the network, another user's rights, the machine's settings, or a file's owner, mode and times fail with EPERM,
which libraries report as an error. Calls of another processor architecture, whose numbers have other meanings, end the
process. Calls that are newer than the table fail with ENOSYS, as on an older kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

from neutone.sandbox.linux_calls import system_call
from neutone.sandbox.syscall_numbers import CHANGES_FILES, CHECKED, LAST_KNOWN, NEVER

PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of the table, and the kernel's number of the architecture."""
OTHER_ABI = 0x40000000
"""The bit that is added to the numbers of x32 calls on x86-64."""

SET_MODE_FILTER, GET_ACTION_AVAILABLE = 1, 2
ALL_THREADS = 1

LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET, ARGUMENTS_OFFSET = 0, 4, 16
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

CLONE_THREAD = 0x10000
WRITES_FILES = 0o3 | 0o100 | 0o1000 | 0o20000000
"""Flags of open() that allow writing: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE."""
REACHES_OTHERS = (8, 10, 15, 1024, 1026)
"""Commands of fcntl() that reach other processes: F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY."""
TYPES_OR_CHANGES = (0x5412, 0x541C, 0x40086602, 0x401C5820, 0xC0045877, 0xC0045878)
"""Commands of ioctl() that type into a terminal or change files:
TIOCSTI, TIOCLINUX, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FIFREEZE, FITHAW."""
OUTLIVES = (1, 4, 0x59616D61)
"""Options of prctl() that let the process outlive its parent or be traced:
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_PTRACER."""


@dataclass(frozen=True)
class Condition:
    """A condition on one argument of a call."""

    argument: int
    values: tuple[int, ...] = ()
    """It is met if the argument is one of these values."""
    bits: int = 0
    """It is also met if the argument has one of these bits."""
    is_null: bool = False
    """It is also met if the argument is a null address."""
    refuse: bool = True
    """Whether the call is refused if the condition is met (True) or if it is not met (False)."""


def has_seccomp() -> bool:
    """Return whether this kernel has seccomp filters and this processor is in the table."""
    if sys.platform != "linux" or platform.machine() not in PROCESSORS or sys.maxsize < 1 << 32:
        return False
    column, _ = PROCESSORS[platform.machine()]
    action = ctypes.create_string_buffer(struct.pack("=I", REFUSE & 0xFFFF0000), 4)
    try:
        system_call(_number("seccomp", column), GET_ACTION_AVAILABLE, 0, action)
    except OSError:
        return False
    return True


def restrict_calls(*, landlock_abi: int) -> None:
    """Install the filter in all threads of this process. Without Landlock (version 0) the filter also refuses to open
    files for writing and to change the working folder.

    Raises:
        OSError: The kernel refuses.
    """
    _install(rules(landlock_abi=landlock_abi, own=os.getpid()))


def rules(*, landlock_abi: int, own: int) -> dict[str, Condition | int]:
    """Return what happens to each call: a return value of the filter, or a condition.
    `own` is this process's number."""
    table: dict[str, Condition | int] = dict.fromkeys(NEVER, REFUSE)
    table |= {
        "clone": Condition(0, bits=CLONE_THREAD, refuse=False),
        "clone3": UNKNOWN,  # its flags are in memory, where a filter cannot look; libraries fall back to clone
        "kill": Condition(0, (own,), refuse=False),
        "tgkill": Condition(0, (own,), refuse=False),
        "fcntl": Condition(1, REACHES_OTHERS),
        "ioctl": Condition(1, TYPES_OR_CHANGES),
        "prctl": Condition(0, OUTLIVES),
        "prlimit64": Condition(0, (0, own), refuse=False),
    }
    if landlock_abi:  # without it the process has no folder to write to, so the function's own files are in memory
        table["memfd_create"] = REFUSE
    if landlock_abi < 3:
        table["truncate"] = REFUSE
    if not landlock_abi:
        table |= dict.fromkeys(CHANGES_FILES, REFUSE)
        table |= {"open": Condition(1, bits=WRITES_FILES), "openat": Condition(2, bits=WRITES_FILES)}
        table["openat2"] = UNKNOWN  # its flags are in memory too, as those of clone3
    return table


def forbid_new_limits() -> None:
    """Refuse changes of this process's limits from now on: root could raise them."""
    _install({"setrlimit": REFUSE, "prlimit64": Condition(2, is_null=True, refuse=False)})


def _number(name: str, column: int) -> int:
    number = CHECKED[name][column]
    assert number is not None
    return number


def _install(rules: dict[str, Condition | int]) -> None:
    column, _ = PROCESSORS[platform.machine()]
    program = assemble(rules, platform.machine())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    filter_ = ctypes.create_string_buffer(header, len(header))
    thread = system_call(_number("seccomp", column), SET_MODE_FILTER, ALL_THREADS, filter_)
    if thread:
        raise OSError(f"thread {thread} has a filter of its own")


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def assemble(rules: dict[str, Condition | int], processor: str) -> bytes:
    """Return the filter as a program for the kernel's packet-filter machine."""
    column, architecture = PROCESSORS[processor]
    numbers = NEVER | CHANGES_FILES | CHECKED
    program = [
        _instruction(LOAD_WORD, ARCHITECTURE_OFFSET),
        _instruction(JUMP_IF_EQUAL, architecture, 1, 0),
        _instruction(RETURN, KILL),
        _instruction(LOAD_WORD, NUMBER_OFFSET),
        _instruction(JUMP_IF_AT_LEAST, OTHER_ABI, 0, 1),
        _instruction(RETURN, KILL),
        _instruction(JUMP_IF_AT_LEAST, LAST_KNOWN + 1, 0, 1),
        _instruction(RETURN, UNKNOWN),
    ]
    for name, rule in rules.items():
        number = numbers[name][column]
        if number is None:
            continue
        body = [_instruction(RETURN, rule)] if isinstance(rule, int) else _check(rule)
        program += [_instruction(JUMP_IF_EQUAL, number, 0, len(body)), *body]
    program.append(_instruction(RETURN, ALLOW))
    return b"".join(program)


def _check(condition: Condition) -> list[bytes]:
    """Return the instructions for a condition.
    They look at the lower half of a number, as the kernel itself does in these calls, and at all of an address."""
    met, otherwise = (REFUSE, ALLOW) if condition.refuse else (ALLOW, REFUSE)
    place = ARGUMENTS_OFFSET + 8 * condition.argument
    if condition.is_null:
        return [
            _instruction(LOAD_WORD, place),
            _instruction(JUMP_IF_EQUAL, 0, 0, 2),
            _instruction(LOAD_WORD, place + 4),
            _instruction(JUMP_IF_EQUAL, 0, 1, 0),
            _instruction(RETURN, otherwise),
            _instruction(RETURN, met),
        ]
    tests = [(JUMP_IF_EQUAL, value) for value in condition.values]
    if condition.bits:
        tests.append((JUMP_IF_ANY_BIT, condition.bits))
    body = [_instruction(LOAD_WORD, place)]
    for index, (code, value) in enumerate(tests):
        body.append(_instruction(code, value, len(tests) - index, 0))
    return [*body, _instruction(RETURN, otherwise), _instruction(RETURN, met)]
