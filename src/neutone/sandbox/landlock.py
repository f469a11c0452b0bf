"""Landlock: limits which files a Linux process may read and write, and refuses the network (kernel documentation,
userspace-api).

Each version of the interface (ABI) can refuse more than the one before. What a version cannot refuse is left to the
seccomp filter.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from neutone.sandbox.linux_calls import system_call

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The numbers of Landlock's system calls, which are the same on all processors."""
GET_VERSION = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
REFER, TRUNCATE = 1 << 13, 1 << 14
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""The rights that a rule for a file (not a folder) may have."""
READING = READ_FILE | READ_DIR
WRITING = READING | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER | TRUNCATE
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights on files each ABI has; all later ones have 16."""
BIND_AND_CONNECT_TCP = 0b11
"""Rights on TCP, from ABI 4."""
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
"""Restrictions on reaching processes outside, from ABI 6."""


def landlock_version() -> int:
    """Return the version (ABI) of Landlock in this kernel, or 0 if it has none or it is switched off."""
    if sys.platform != "linux":
        return 0
    try:
        return system_call(CREATE_RULESET, None, 0, GET_VERSION)
    except OSError:
        return 0


def restrict_files(abi: int, readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Allow this thread, and whatever it starts from now on, to use only these files and folders. Paths that do not
    exist are ignored. No program can be executed, and no TCP port be bound or connected to.

    Raises:
        OSError: The kernel refuses; nothing is restricted.
    """
    handled = (1 << FILE_RIGHTS.get(abi, 16)) - 1
    attributes = struct.pack("=Q", handled)
    if abi >= 4:
        attributes += struct.pack("=Q", BIND_AND_CONNECT_TCP)
    if abi >= 6:
        attributes += struct.pack("=Q", ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = system_call(CREATE_RULESET, ctypes.create_string_buffer(attributes), len(attributes), 0)
    try:
        for paths, rights in ((readable, READING), (writable, WRITING)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        system_call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= ON_FILES
        rule = struct.pack("=Qi", rights, opened)
        system_call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.create_string_buffer(rule), 0)
    finally:
        os.close(opened)
