@cython.final
cdef class Ring:
    """A circular queue of float32 frames (channels, frames) with exact capacity, lock-free for one producer and one
    consumer thread.

    >>> import numpy as np
    >>> ring = Ring(channels=1, capacity=3)
    >>> ring.push(np.array([[1, 2, 3, 4]], np.float32))
    3
    >>> ring.peek(2), ring.pop(2), ring.readable
    (array([[1., 2.]], dtype=float32), array([[1., 2.]], dtype=float32), 1)
    """
    cdef nt_ring *ring

    def __cinit__(self, channels, capacity):
        cdef nt_status status = nt_ring_create(&self.ring, checked(channels, "channels", 1, 1024),
                                               checked(capacity, "capacity", 1, 1 << 29))
        if status != NT_OK:
            raise_status(status)

    def __dealloc__(self):
        nt_ring_destroy(self.ring)

    @property
    def channels(self):
        return nt_ring_channels(self.ring)

    @property
    def capacity(self):
        return nt_ring_capacity(self.ring)

    @property
    def readable(self):
        """Frames that can be popped."""
        return nt_ring_readable(self.ring)

    @property
    def writable(self):
        """Frames that can be pushed."""
        return nt_ring_writable(self.ring)

    def reset(self):
        """Empty it. Neither side may be at work."""
        nt_ring_reset(self.ring)

    def push(self, audio):
        """Append frames; returns how many fitted."""
        cdef Py_buffer view
        held = hold_input(&view, audio, "audio")
        try:
            if view.shape[0] != nt_ring_channels(self.ring):
                raise ShapeError(f"audio has {view.shape[0]} channels, expected {self.channels}")
            return nt_ring_push(self.ring, span_of(&view))
        finally:
            PyBuffer_Release(&view)

    def peek(self, frames, offset=0):
        """A copy of the frames `offset` .. `offset + frames`, which stay; as many as there are."""
        return self._read(frames, offset, False)

    def pop(self, frames):
        """The oldest frames, as many as there are of those asked for."""
        return self._read(frames, 0, True)

    cdef _read(self, frames, offset, bint discard):
        cdef uint32_t start = checked(offset, "offset", 0, 1 << 29)
        cdef uint32_t there = nt_ring_readable(self.ring)
        cdef uint32_t count = checked(frames, "frames", 0, 1 << 29)
        there = there - start if start < there else 0
        count = min(count, there)
        audio = np.empty((nt_ring_channels(self.ring), count), np.float32)
        if count == 0:
            return audio
        cdef Py_buffer view
        hold_output(&view, audio, "audio")
        nt_ring_peek(self.ring, start, span_of(&view))
        PyBuffer_Release(&view)
        if discard:
            nt_ring_discard(self.ring, count)
        return audio

    def discard(self, frames):
        """Drop the oldest frames; returns how many there were to drop."""
        return nt_ring_discard(self.ring, checked(frames, "frames", 0, 1 << 29))
