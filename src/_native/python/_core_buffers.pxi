# Borrowed memory of arrays: Py_buffer by hand, which takes half the time of a typed memoryview.


cdef int raise_status(nt_status status) except -1:
    cdef str message = nt_strerror(status).decode()
    if status == NT_ERROR_MEMORY:
        raise MemoryError(message)
    if status == NT_ERROR_NAN:
        raise ParameterError("params holds NaN, expected values from 0 to 1; the block was not processed")
    if status == NT_ERROR_CLOSED:
        raise RuntimeError("the engine is closed")
    if status == NT_ERROR_BUSY:
        raise RuntimeError("the engine is processing in a host's callback; one at a time may use it")
    raise ConfigurationError(message)


cdef object describe(object array):
    shape = getattr(array, "shape", None)
    dtype = getattr(array, "dtype", None)
    if shape is None or dtype is None:
        return type(array).__name__
    return f"{dtype} {tuple(shape)}"


# numpy writes "=f" for arrays that are not aligned.
cdef bint is_native_float(const char *format) noexcept:
    if format == NULL:
        return False
    if format[0] == c'=' or format[0] == c'@':
        format += 1
    return format[0] == c'f' and format[1] == 0


# abs() of a Py_ssize_t would make three Python integers.
cdef inline Py_ssize_t distance(Py_ssize_t stride) noexcept:
    return stride if stride >= 0 else -stride


cdef str axes_of(str what):
    return "(parameters, frames)" if what.endswith("params") else "(channels, frames)"


# How to convert an array that is refused. Here nothing is converted: that would allocate on the audio path.
cdef str cure(str what, object array):
    if not isinstance(array, np.ndarray):
        return f": convert it with numpy.asarray({what}, numpy.float32)"
    if array.dtype.kind == "i":
        return f": convert it with ({what} / {1 << (8 * array.itemsize - 1)}).astype(numpy.float32)"
    if array.dtype != np.float32:
        return f": convert it with {what}.astype(numpy.float32)"
    return f": convert it with {what}[numpy.newaxis]" if array.ndim == 1 else ""


# Returns 0, or 1 if the samples of a channel do not lie side by side (nothing is held then).
cdef int hold(Py_buffer *view, object array, bint writable, str what) except -1:
    cdef int flags = PyBUF_STRIDES | PyBUF_FORMAT
    if writable:
        flags |= PyBUF_WRITABLE
    if not PyObject_CheckBuffer(array):
        raise AudioTypeError(
            f"{what} is a {type(array).__name__}, expected a numpy array of float32 {axes_of(what)}{'' if writable else cure(what, array)}"
        )
    try:
        PyObject_GetBuffer(array, view, flags)
    except BufferError:
        raise ShapeError(f"{what} must be writable") from None
    except ValueError as error:  # numpy: not writable, or a dtype without a buffer format
        raise ShapeError(f"{what} cannot be used: {error}") from None
    if view.itemsize != 4 or not is_native_float(view.format):
        PyBuffer_Release(view)
        raise AudioTypeError(f"{what} is {describe(array)}, expected float32 {axes_of(what)}{'' if writable else cure(what, array)}")
    if view.ndim != 2:
        PyBuffer_Release(view)
        raise ShapeError(f"{what} is {describe(array)}, expected two axes {axes_of(what)}{'' if writable else cure(what, array)}")
    if (
        (view.shape[1] > 1 and view.strides[1] != 4)
        or view.strides[0] % 4 != 0
        or (<size_t>view.buf) % 4 != 0
        or distance(view.strides[0]) // 4 > 0x7fffffff    # the stride of an nt_span
    ):
        PyBuffer_Release(view)
        return 1
    return 0


cdef inline nt_span span_of(Py_buffer *view) noexcept:
    return nt_span(<float *>view.buf, <int32_t>(view.strides[0] // 4), <uint32_t>view.shape[1])


# As `hold`, with a copy if the layout does not fit. Returns the object that is held.
cdef object hold_input(Py_buffer *view, object array, str what):
    if hold(view, array, False, what):
        array = np.ascontiguousarray(array)
        hold(view, array, False, what)
    return array


cdef int hold_output(Py_buffer *view, object array, str what) except -1:
    if hold(view, array, True, what):
        raise ShapeError(f"{what} must have the samples of a channel side by side (strides {array.strides})")
    if view.shape[0] > 1 and distance(view.strides[0]) < 4 * view.shape[1]:
        PyBuffer_Release(view)
        raise ShapeError(f"{what} must have a row of its own for each channel: its rows overlap (strides {array.strides})")
    return 0


# The memory of a session: C-contiguous, and as large as said. Returns NULL for no rows.
cdef float *hold_packed(Py_buffer *view, object array, Py_ssize_t channels, Py_ssize_t frames, str what) except? NULL:
    if hold(view, array, True, what):
        raise ShapeError(f"{what} must be C-contiguous")
    if view.shape[0] > 1 and view.strides[0] != 4 * view.shape[1]:
        PyBuffer_Release(view)
        raise ShapeError(f"{what} must be C-contiguous")
    if view.shape[0] != channels or view.shape[1] != frames:
        shape = (view.shape[0], view.shape[1])
        PyBuffer_Release(view)
        raise ShapeError(f"{what} is {shape}, expected {(channels, frames)}")
    return <float *>view.buf if channels else NULL
