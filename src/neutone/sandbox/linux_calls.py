"""System calls for which Python has no function."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
SIGKILL = 9


def system_call(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call and return its result.

    Args:
        number: The number of the call on this processor.
        arguments: Numbers, or memory whose address is passed; None for a null address.

    Raises:
        OSError: The call failed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    passed = [
        ctypes.c_void_p(None)
        if argument is None
        else ctypes.c_long(argument)
        if isinstance(argument, int)
        else ctypes.cast(argument, ctypes.c_void_p)
        for argument in arguments
    ]
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *passed))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def forbid_new_rights() -> None:
    """Keep programs that this process starts from gaining rights, and end this process when its parent ends."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_NO_NEW_PRIVS, 1), (PR_SET_PDEATHSIG, SIGKILL)):
        if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
