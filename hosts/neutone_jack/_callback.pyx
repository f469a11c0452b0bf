"""callback.h for Python: addresses for JACK, and what the host's own thread reads and sets."""
cimport cython
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc

cdef extern from "neutone/nt_callback.h" nogil:
    ctypedef struct nt_callback:
        pass

cdef extern from "callback.h" nogil:
    enum:
        NT_JACK_CONTROLLERS
        NT_JACK_TEXT
    ctypedef struct nt_jack_functions:
        void *port_get_buffer
        void *midi_get_event_count
        void *midi_event_get
        void *port_get_latency_range
        void *port_set_latency_range
    ctypedef struct nt_jack:
        pass
    ctypedef struct nt_jack_notes:
        uint64_t blocks
        uint64_t xruns
        uint32_t period
        uint32_t sample_rate
        bint freewheeling
        bint gone
        char *reason
    nt_jack *nt_jack_create(const nt_callback *engine, uint32_t channels)
    void nt_jack_destroy(nt_jack *jack)
    void nt_jack_attach(nt_jack *jack, const nt_jack_functions *functions, void **inputs, void **outputs, void *midi)
    void nt_jack_open(nt_jack *jack)
    void nt_jack_close(nt_jack *jack)
    bint nt_jack_idle(const nt_jack *jack)
    void nt_jack_set_latency(nt_jack *jack, uint32_t frames)
    void nt_jack_set_controller(nt_jack *jack, uint32_t controller, int32_t parameter)
    int32_t nt_jack_controller(const nt_jack *jack, uint32_t controller)
    void nt_jack_learn(nt_jack *jack, int32_t parameter)
    int32_t nt_jack_learning(const nt_jack *jack)
    void nt_jack_read_notes(const nt_jack *jack, nt_jack_notes *notes)
    int nt_jack_process(uint32_t frames, void *argument)
    int nt_jack_on_period(uint32_t frames, void *argument)
    int nt_jack_on_sample_rate(uint32_t rate, void *argument)
    int nt_jack_on_xrun(void *argument)
    void nt_jack_on_freewheel(int starting, void *argument)
    void nt_jack_on_shutdown(int status, const char *reason, void *argument)
    void nt_jack_on_latency(int mode, void *argument)
    void nt_jack_on_message(const char *text)
    void nt_jack_take_messages(char *target, size_t size)

CONTROLLERS = NT_JACK_CONTROLLERS
PROCESS = <uintptr_t>&nt_jack_process
ON_PERIOD = <uintptr_t>&nt_jack_on_period
ON_SAMPLE_RATE = <uintptr_t>&nt_jack_on_sample_rate
ON_XRUN = <uintptr_t>&nt_jack_on_xrun
ON_FREEWHEEL = <uintptr_t>&nt_jack_on_freewheel
ON_SHUTDOWN = <uintptr_t>&nt_jack_on_shutdown
ON_LATENCY = <uintptr_t>&nt_jack_on_latency
ON_MESSAGE = <uintptr_t>&nt_jack_on_message


def take_messages():
    """Return what libjack has printed since the last call, one message per line."""
    cdef char text[4 * NT_JACK_TEXT]
    nt_jack_take_messages(text, sizeof(text))
    return (<bytes>text).decode("utf-8", "replace")


@cython.final
cdef class Callback:
    """The callback that JACK calls. It keeps the capsule "neutone.callback" of the engine that it plays."""
    cdef nt_jack *jack
    cdef object capsule
    cdef uint32_t channels

    def __cinit__(self, capsule, uint32_t channels):
        self.capsule = capsule
        self.channels = channels
        self.jack = nt_jack_create(<const nt_callback *>PyCapsule_GetPointer(capsule, "neutone.callback"), channels)
        if self.jack == NULL:
            raise MemoryError()

    def __dealloc__(self):
        nt_jack_destroy(self.jack)

    @property
    def address(self):
        """The address to pass to every callback as its argument."""
        return <uintptr_t>self.jack

    def attach(self, functions, inputs, outputs, midi):
        """Set the addresses of libjack's functions, by name without "jack_", and of the ports of a client that is not
        active yet. All counters are set to 0."""
        cdef nt_jack_functions table
        cdef void **ports
        if len(inputs) != self.channels or len(outputs) != self.channels:
            raise ValueError(f"{len(inputs)} and {len(outputs)} ports, expected {self.channels} each way")
        table.port_get_buffer = <void *><uintptr_t>functions["port_get_buffer"]
        table.midi_get_event_count = <void *><uintptr_t>functions["midi_get_event_count"]
        table.midi_event_get = <void *><uintptr_t>functions["midi_event_get"]
        table.port_get_latency_range = <void *><uintptr_t>functions["port_get_latency_range"]
        table.port_set_latency_range = <void *><uintptr_t>functions["port_set_latency_range"]
        ports = <void **>malloc(2 * self.channels * sizeof(void *))
        if ports == NULL:
            raise MemoryError()
        try:
            for i, port in enumerate((*inputs, *outputs)):
                ports[i] = <void *><uintptr_t>port
            nt_jack_attach(self.jack, &table, ports, ports + self.channels, <void *><uintptr_t>midi)
        finally:
            free(ports)

    def open(self):
        """Let audio reach the engine."""
        nt_jack_open(self.jack)

    def close(self):
        """Give silence from the next block on. The audio thread may still be in a block until `idle`."""
        nt_jack_close(self.jack)

    @property
    def idle(self):
        """Whether the audio thread is outside the engine."""
        return bool(nt_jack_idle(self.jack))

    def set_latency(self, uint32_t frames):
        """Set the latency in frames that is reported the next time that JACK asks."""
        nt_jack_set_latency(self.jack, frames)

    def set_controller(self, uint32_t controller, int32_t parameter):
        """Let controller 0..119 set the parameter in this row; -1 for none."""
        if controller >= NT_JACK_CONTROLLERS:
            raise IndexError(controller)
        nt_jack_set_controller(self.jack, controller, parameter)

    def controllers(self):
        """Return the row that each controller sets, or -1 for none."""
        return [nt_jack_controller(self.jack, i) for i in range(NT_JACK_CONTROLLERS)]

    def learn(self, int32_t parameter):
        """Map the next controller that arrives to the parameter in this row; -1 stops waiting for one."""
        nt_jack_learn(self.jack, parameter)

    @property
    def learning(self):
        """The row that waits for a controller, or -1 if none does."""
        return nt_jack_learning(self.jack)

    @property
    def notes(self):
        """What has been noted since `attach`: (blocks, xruns, period, sample_rate, freewheeling, gone, reason)."""
        cdef nt_jack_notes notes
        nt_jack_read_notes(self.jack, &notes)
        reason = (<bytes>notes.reason).decode("utf-8", "replace")
        return notes.blocks, notes.xruns, notes.period, notes.sample_rate, notes.freewheeling, notes.gone, reason
