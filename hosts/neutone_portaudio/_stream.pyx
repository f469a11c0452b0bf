"""stream.h for Python: addresses for PortAudio, and what the host's own thread reads and sets."""
cimport cython
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

cdef extern from "neutone/nt_callback.h" nogil:
    ctypedef struct nt_callback:
        pass

cdef extern from "stream.h" nogil:
    ctypedef struct nt_portaudio:
        pass
    ctypedef struct nt_portaudio_notes:
        uint64_t blocks
        uint64_t xruns
        bint finished
    nt_portaudio *nt_portaudio_create(const nt_callback *engine, uint32_t channels)
    void nt_portaudio_destroy(nt_portaudio *host)
    bint nt_portaudio_attach(nt_portaudio *host, uint32_t in_channels, uint32_t out_channels, uint32_t frames)
    void nt_portaudio_open(nt_portaudio *host)
    void nt_portaudio_close(nt_portaudio *host)
    bint nt_portaudio_idle(const nt_portaudio *host)
    void nt_portaudio_read_notes(const nt_portaudio *host, nt_portaudio_notes *notes)
    int nt_portaudio_process(const void *input, void *output, unsigned long frames, const void *time,
                             unsigned long flags, void *argument)
    void nt_portaudio_on_finished(void *argument)

PROCESS = <uintptr_t>&nt_portaudio_process
ON_FINISHED = <uintptr_t>&nt_portaudio_on_finished


@cython.final
cdef class StreamCallback:
    """The callback that PortAudio calls. It keeps the capsule "neutone.callback" of the engine that it plays."""
    cdef nt_portaudio *host
    cdef object capsule

    def __cinit__(self, capsule, uint32_t channels):
        self.capsule = capsule
        self.host = nt_portaudio_create(<const nt_callback *>PyCapsule_GetPointer(capsule, "neutone.callback"),
                                        channels)
        if self.host == NULL:
            raise MemoryError()

    def __dealloc__(self):
        nt_portaudio_destroy(self.host)

    @property
    def address(self):
        """The address to pass to every callback as its argument."""
        return <uintptr_t>self.host

    def attach(self, uint32_t in_channels, uint32_t out_channels, uint32_t frames):
        """Set the channel counts and the block size of a stream that is not open yet. All counters are set to 0."""
        if in_channels == 0 or out_channels == 0:
            raise ValueError(f"{in_channels} channels in and {out_channels} out, expected one each way at least")
        if not nt_portaudio_attach(self.host, in_channels, out_channels, frames):
            raise MemoryError()

    def open(self):
        """Let audio reach the engine."""
        nt_portaudio_open(self.host)

    def close(self):
        """Give silence from the next block on. The audio thread may still be in a block until `idle`."""
        nt_portaudio_close(self.host)

    @property
    def idle(self):
        """Whether the audio thread is outside the engine."""
        return bool(nt_portaudio_idle(self.host))

    @property
    def notes(self):
        """What has been noted since `attach`: (blocks, xruns, finished)."""
        cdef nt_portaudio_notes notes
        nt_portaudio_read_notes(self.host, &notes)
        return notes.blocks, notes.xruns, bool(notes.finished)
