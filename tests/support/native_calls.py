"""A session's native function, called by ctypes as an audio thread would call it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from neutone.plugins import Session


class NativeSession(ctypes.Structure):
    """The struct in neutone/nt_session.h."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("run", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)),
        ("reset", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
    )


def native_session(capsule: object) -> NativeSession:
    """Return the struct in the capsule. It is valid as long as the capsule lives."""
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return NativeSession.from_address(get_pointer(capsule, b"neutone.session"))


def native_call(session: Session, frames: int) -> Callable[[], object]:
    """Return a function that calls the capsule's `run` without the GIL. The function keeps only the capsule alive."""
    capsule = session.native
    native = native_session(capsule)
    run, context, count = native.run, ctypes.c_void_p(native.context), ctypes.c_uint32(frames)

    def call(_: object = capsule) -> int:
        return run(context, count)

    return call
