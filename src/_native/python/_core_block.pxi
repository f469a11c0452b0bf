# One host block's arrays: checked, their memory held while the block is processed, and a pointer to each row, as the C core
# takes them. A stream has one of these, and a player uses that of the stream which it was offered last: both make their checks
# here. The GIL may be let go of while a block is processed, so a second thread is kept out until `leave`.
@cython.final
cdef class _HostBlock:
    cdef uint32_t channels, parameters, size, frames
    cdef bint varies, busy
    cdef const float **inputs
    cdef float **outputs
    cdef const float **rows
    cdef const float **curves           # the rows, or NULL: none were given
    cdef Py_buffer in_view, out_view, curves_view

    def __cinit__(self, Schedule schedule, uint32_t channels, uint32_t parameters):
        self.channels = channels
        self.parameters = parameters
        self.size = schedule.fields.host_block
        self.varies = schedule.fields.host_block_varies
        self.inputs = <const float **>calloc(channels, sizeof(float *))
        self.outputs = <float **>calloc(channels, sizeof(float *))
        self.rows = <const float **>calloc(parameters + 1, sizeof(float *))
        if self.inputs == NULL or self.outputs == NULL or self.rows == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.inputs)
        free(self.outputs)
        free(self.rows)

    cdef int claim(self) except -1:
        if self.busy:
            raise RuntimeError(
                "the engine is processing: in another thread, or around this very call; one at a time may use it"
            )
        self.busy = True
        return 0

    # Between claim and leave. Returns `out`. After an error some of the views are held, and leave releases them.
    cdef object hold(self, object audio, object out, object curves):
        self.hold_input(audio)
        out = self.hold_output(out)
        self.hold_curves(curves)
        return out

    # A view that holds nothing is one that releasing leaves alone.
    cdef void leave(self) noexcept:
        PyBuffer_Release(&self.in_view)
        PyBuffer_Release(&self.out_view)
        PyBuffer_Release(&self.curves_view)
        self.busy = False

    cdef int hold_input(self, object audio) except -1:
        hold_input(&self.in_view, audio, "audio")
        cdef Py_ssize_t channels = self.in_view.shape[0], frames = self.in_view.shape[1]
        if channels != self.channels:
            transposed = "; is it transposed? Then give audio.T" if frames == self.channels else ""
            raise ShapeError(
                f"audio has {channels} rows, expected {self.channels}: ({self.channels}, frames){transposed}"
            )
        if frames > self.size:
            raise ShapeError(f"audio has {frames} frames, expected at most {self.size} (block_size)")
        if not self.varies and frames != self.size:
            raise ShapeError(
                f"audio has {frames} frames, expected exactly {self.size} (block_size); fixed_blocks=False takes "
                f"any number up to it"
            )
        self.frames = <uint32_t>frames
        point_to_rows(self.inputs, &self.in_view)
        return 0

    cdef object hold_output(self, object out):
        if out is None:
            out = np.empty((self.channels, self.frames), np.float32)
        hold_output(&self.out_view, out, "out")
        if self.out_view.shape[0] != self.channels or self.out_view.shape[1] != self.frames:
            raise ShapeError(f"out is {describe(out)}, expected float32 {(self.channels, self.frames)}")
        point_to_rows(<const float **>self.outputs, &self.out_view)
        return out

    cdef int hold_curves(self, object curves) except -1:
        self.curves = NULL
        if curves is None:
            return 0
        hold_input(&self.curves_view, curves, "params")
        if self.curves_view.shape[0] != self.parameters or self.curves_view.shape[1] != self.frames:
            raise ShapeError(
                f"params is {describe(curves)}, expected float32 {(self.parameters, self.frames)}: a row for each "
                f"declared parameter, 0..1"
            )
        point_to_rows(self.rows, &self.curves_view)
        self.curves = self.rows
        return 0


cdef inline void point_to_rows(const float **rows, Py_buffer *view) noexcept:
    cdef Py_ssize_t row
    for row in range(view.shape[0]):
        rows[row] = <const float *>(<char *>view.buf + row * view.strides[0])
