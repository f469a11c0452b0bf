"""A session's native function, called as an audio thread calls it, by ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from neutone.plugins import Session


def native_call(session: Session, frames: int) -> Callable[[], object]:
    """The capsule's function on its context, without the GIL. What is answered holds the capsule alone."""
    api, capsule = ctypes.pythonapi, session.native
    api.PyCapsule_GetPointer.restype = api.PyCapsule_GetContext.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    api.PyCapsule_GetContext.argtypes = [ctypes.py_object]
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)(
        api.PyCapsule_GetPointer(capsule, b"neutone.session")
    )
    context, count = ctypes.c_void_p(api.PyCapsule_GetContext(capsule)), ctypes.c_uint32(frames)

    def call(_: object = capsule) -> int:
        return function(context, count)

    return call
