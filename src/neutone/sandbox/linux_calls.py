"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
SIGKILL = 9


def system_call(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """What the kernel returns.

    Args:
        number: of the call on this processor.
        arguments: numbers, or memory whose address is passed; None: no memory.

    Raises:
        OSError: the call failed.
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
    """Programs that this process starts get no rights that it has not, and it ends when its parent does."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_NO_NEW_PRIVS, 1), (PR_SET_PDEATHSIG, SIGKILL)):
        if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
