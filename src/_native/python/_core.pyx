"""The C core for Python: numpy arrays in, C functions out. neutone's facade checks options; this checks memory."""
cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT,
    PyBUF_STRIDES,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from cpython.pycapsule cimport (
    PyCapsule_CheckExact,
    PyCapsule_GetContext,
    PyCapsule_GetName,
    PyCapsule_GetPointer,
    PyCapsule_IsValid,
    PyCapsule_New,
    PyCapsule_SetContext,
)
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from native cimport *

import numpy as np

from neutone.errors import AudioTypeError, ConfigurationError, InferenceError, ParameterError, ShapeError

include "_core_buffers.pxi"
include "_core_schedule.pxi"
include "_core_block.pxi"
include "_core_ring.pxi"
include "_core_resampler.pxi"
include "_core_stream.pxi"
include "_core_player.pxi"
