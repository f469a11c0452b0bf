@cython.final
cdef class Resampler:
    """Streaming sample-rate conversion, bit-equal however the input is cut.

    ``kind`` is "linear", "hermite" or "sinc" (``taps`` long, 8..128, counted at the lower rate). After N input frames
    there are ``ceil((N - lookahead) * rate_out / rate_in)`` output frames, the first at the position of the first.

    >>> import numpy as np
    >>> resampler = Resampler(2000, 3000, kind="linear")
    >>> resampler.process(np.array([[0, 3, 6, 9]], np.float32))
    array([[0., 2., 4., 6., 8.]], dtype=float32)
    """
    cdef nt_resampler *resampler
    cdef nt_resampler_config config
    cdef bint busy

    def __cinit__(self, rate_in, rate_out, *, kind="sinc", taps=32, channels=1):
        self.config.kind = kind_of(kind)
        self.config.taps = checked(taps, "taps", 0, MAX_BLOCK)
        self.config.rate_in = checked(rate_in, "rate_in", MIN_RATE, MAX_RATE)
        self.config.rate_out = checked(rate_out, "rate_out", MIN_RATE, MAX_RATE)
        self.config.channels = checked(channels, "channels", 1, 1024)
        self.config.lookahead = 0
        cdef nt_status status = nt_resampler_create(&self.resampler, &self.config)
        if status != NT_OK:
            raise_status(status)

    def __dealloc__(self):
        nt_resampler_destroy(self.resampler)

    @property
    def lookahead(self):
        """Input frames that an output needs after its position."""
        cdef uint32_t frames
        nt_resampler_lookahead(self.config.kind, self.config.taps, self.config.rate_in, self.config.rate_out, &frames)
        return frames

    cdef int _enter(self) except -1:
        # The GIL is let go below: another thread must not come in behind it.
        if self.busy:
            raise RuntimeError("the resampler is at work in another thread; one thread at a time may use it")
        self.busy = True
        return 0

    def reset(self):
        """Back to silence."""
        self._enter()
        nt_resampler_reset(self.resampler)
        self.busy = False

    def process(self, audio):
        """All output frames that the audio (channels, frames) so far allows, as a new array."""
        cdef Py_buffer view, out_view
        cdef nt_span source, target
        cdef uint32_t used = 0, generated = 0
        held = hold_input(&view, audio, "audio")
        try:
            self._enter()
        except BaseException:
            PyBuffer_Release(&view)
            raise
        try:
            if view.shape[0] != self.config.channels:
                raise ShapeError(f"audio has {view.shape[0]} channels, expected {self.config.channels}")
            room = view.shape[1] * self.config.rate_out // self.config.rate_in + 2
            out = np.empty((view.shape[0], room), np.float32)
            hold_output(&out_view, out, "out")
            source, target = span_of(&view), span_of(&out_view)
            with nogil:
                nt_resampler_process(self.resampler, source, target, &used, &generated)
            PyBuffer_Release(&out_view)
            return out[:, :generated]
        finally:
            self.busy = False
            PyBuffer_Release(&view)
