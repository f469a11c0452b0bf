LATE = {"silence": NT_LATE_SILENCE, "dry": NT_LATE_DRY, "repeat": NT_LATE_REPEAT}
LEVELS = {"input_gain": NT_INPUT_GAIN, "wet": NT_WET, "dry": NT_DRY, "output_gain": NT_OUTPUT_GAIN}


# What a session's capsule holds. Every version of the struct begins with its version, so that much can always be read.
cdef const nt_session *native_session(object session, object native) except NULL:
    cdef const nt_session *found
    if not PyCapsule_CheckExact(native):
        what = repr(type(native).__name__)
    elif not PyCapsule_IsValid(native, NT_SESSION_CAPSULE):
        name = PyCapsule_GetName(native)
        what = "a PyCapsule without a name" if name == NULL else f"a PyCapsule {name.decode('utf-8', 'replace')!r}"
    else:
        found = <const nt_session *>PyCapsule_GetPointer(native, NT_SESSION_CAPSULE)
        if found.version == NT_SESSION_VERSION and found.run != NULL:
            return found
        what = "an nt_session without run"
        if found.version != NT_SESSION_VERSION:
            what = f"an nt_session of version {found.version}"
    raise ConfigurationError(
        f"native of {type(session).__name__} is {what}, expected a PyCapsule {NT_SESSION_CAPSULE.decode()!r} around an "
        f"nt_session of version {NT_SESSION_VERSION} (neutone/nt_session.h)"
    )


@cython.final
cdef class Stream:
    """One session at the rates and blocks of a schedule: the engine's compiled half.

    `session` has audio_in, params, audio_out, run, reset and native as in neutone.plugins.Session. `delay`
    in host frames replaces the schedule's. `backlog` in model frames, `late` and `fades_in` are for a stream that is
    offered to a Player, whose `process` it is then that takes blocks.
    """
    cdef nt_stream *stream
    cdef nt_stream_config config
    cdef Py_buffer views[3]
    cdef int held
    cdef object session, run, reset_session, error, native
    cdef _HostBlock block
    cdef bint is_offered    # to a player: from then on a host's callback and the pool's threads use it

    def __cinit__(self, Schedule schedule not None, session, *, host_channels, in_channels, out_channels, parameters,
                  look_behind, model_delay=0, delay=None, backlog=0, late="silence", bint fades_in=False):
        cdef nt_stream_config *config = &self.config
        cdef Py_ssize_t block = schedule.fields.session_block
        self.session = session
        self.run = session.run
        self.reset_session = session.reset
        config.schedule = schedule.fields
        config.host_channels = checked(host_channels, "channels", 1, 1024)
        config.model_delay = model_delay
        config.delay = -1 if delay is None else <int64_t>delay
        config.backlog = backlog
        config.late = LATE[late]
        config.fades_in = fades_in
        config.exchange.in_channels = in_channels
        config.exchange.out_channels = out_channels
        config.exchange.parameters = parameters
        config.exchange.look_behind = look_behind
        config.exchange.audio_in = hold_packed(&self.views[0], session.audio_in, in_channels, look_behind + block,
                                              "session.audio_in")
        self.held = 1
        config.exchange.audio_out = hold_packed(&self.views[1], session.audio_out, out_channels, block,
                                               "session.audio_out")
        self.held = 2
        config.exchange.params = hold_packed(&self.views[2], session.params, parameters, block, "session.params")
        self.held = 3
        self.native = getattr(session, "native", None)
        if self.native is None:
            config.session = nt_session(NT_SESSION_VERSION, <void *>self, run_session, reset_session, NULL)
        else:
            config.session = native_session(session, self.native)[0]
        cdef nt_status status = nt_stream_create(&self.stream, config)
        if status != NT_OK:
            raise_status(status)
        self.block = _HostBlock(schedule, config.host_channels, config.exchange.parameters)
        self._raise_session_error()

    def __dealloc__(self):
        nt_stream_destroy(self.stream)
        for i in range(self.held):
            PyBuffer_Release(&self.views[i])

    cdef int _raise_session_error(self) except -1:
        error, self.error = self.error, None
        if error is None:
            return 0
        if not isinstance(error, Exception):
            raise error
        raise inference_error(error)

    cdef object _native_error(self):
        cdef const char *reason = NULL
        if self.config.session.error != NULL:
            reason = self.config.session.error(self.config.session.context)
        said = "its native session does not say why" if reason == NULL else reason.decode("utf-8", "replace")
        return InferenceError(f"the model failed: {said}")

    @property
    def failure(self):
        """The last failure of a session in the background as InferenceError, or None."""
        cdef nt_stream_stats stats
        if self.error is not None:
            return inference_error(self.error)
        nt_stream_get_stats(self.stream, &stats)
        if self.native is None or stats.failed_blocks == 0:
            return None
        return self._native_error()

    def claim(self):
        """Keep `process` and `reset` out until `release`. Raises RuntimeError if one of them is at work."""
        self.block.claim()

    def release(self):
        """Let `process` and `reset` in again."""
        self.block.leave()

    cdef int _check_is_not_offered(self) except -1:
        if self.is_offered:
            raise RuntimeError("the stream was offered to a player, which processes it")
        return 0

    def process(self, audio, out=None, curves=None):
        """Process one host block: audio (channels, frames), curves (parameters, frames) or None. Returns `out`."""
        cdef nt_status status
        cdef _HostBlock block = self.block
        self._check_is_not_offered()
        block.claim()
        try:
            out = block.hold(audio, out, curves)
            if self.native is None:
                status = nt_stream_process(self.stream, block.inputs, block.curves, block.outputs, block.frames)
            else:
                with nogil:
                    status = nt_stream_process(self.stream, block.inputs, block.curves, block.outputs, block.frames)
        finally:
            block.leave()
        if status == NT_OK and self.error is None:
            return out
        self._raise_session_error()
        if status == NT_ERROR_SESSION:
            raise self._native_error()
        raise_status(status)

    def reset(self):
        """Fill every queue with silence, put the parameters to their set values, and reset the session."""
        self._check_is_not_offered()
        self.block.claim()
        try:
            nt_stream_reset(self.stream)
        finally:
            self.block.leave()
        self._raise_session_error()

    def set_parameter(self, index, value):
        """Set the value (0..1) that parameter `index` ramps to over the next block."""
        nt_stream_set_parameter(self.stream, checked(index, "index", 0, 1023), value)

    def get_parameter(self, index):
        """Return the value (0..1) of parameter `index` that was set last, by any thread."""
        return nt_stream_get_parameter(self.stream, checked(index, "index", 0, 1023))

    def set_level(self, name, factor):
        """Set the linear factor that "input_gain", "wet", "dry" or "output_gain" ramps to over the next block."""
        nt_stream_set_level(self.stream, LEVELS[name], factor)

    @property
    def stats(self):
        """The counters since the last reset, by name."""
        cdef nt_stream_stats stats
        nt_stream_get_stats(self.stream, &stats)
        return stats


cdef object inference_error(object error):
    try:
        said = str(error)
    except Exception:
        said = "(its message cannot be read)"
    made = InferenceError(f"the model failed: {type(error).__name__}: {said}")
    made.__cause__ = error
    return made


# A thread that is not Python's gets a state with the GIL and loses it with the GIL, and with it all that libraries keep
# for each thread. A pool thread's stays: what PyGILState_Ensure makes here is never released, only the GIL is.
cdef extern from *:
    """
    static _Thread_local int nt_keeps_python_state;
    static void nt_keep_python_state(void)
    {
        if (!nt_keeps_python_state && nt_pool_is_this_thread()) {
            nt_keeps_python_state = 1;
            PyGILState_Ensure();
            PyEval_SaveThread();
        }
    }
    """
    void nt_keep_python_state() noexcept nogil


cdef int run_session(void *context, uint32_t frames) noexcept nogil:
    nt_keep_python_state()
    return run_in_python(context, frames)


cdef int run_in_python(void *context, uint32_t frames) noexcept with gil:
    cdef Stream stream = <Stream>context
    try:
        stream.run(frames)
        return 0
    except BaseException as error:
        if stream.error is None or stream.is_offered:    # of those in the background the last one is told
            stream.error = error
        return 1


cdef void reset_session(void *context) noexcept with gil:
    cdef Stream stream = <Stream>context
    try:
        stream.reset_session()
    except BaseException as error:
        if stream.error is None:
            stream.error = error
