RESAMPLERS = {"linear": NT_LINEAR, "hermite": NT_HERMITE, "sinc": NT_SINC}
MIN_RATE, MAX_RATE = 1000, 768000
MAX_BLOCK = 1 << 20


cdef nt_resampler_kind kind_of(object name) except *:
    if not isinstance(name, str) or name not in RESAMPLERS:
        raise ConfigurationError(f"resampler is {name!r}, expected one of {', '.join(RESAMPLERS)}")
    return RESAMPLERS[name]


cdef uint32_t checked(object value, str what, object low, object high) except? 0xffffffff:
    try:
        number = value.__index__()
    except AttributeError:
        raise ConfigurationError(f"{what} is {value!r}, expected an integer from {low} to {high}") from None
    if isinstance(value, bool) or not low <= number <= high:
        raise ConfigurationError(f"{what} is {value!r}, expected an integer from {low} to {high}")
    return number


@cython.final
cdef class Schedule:
    """How a host block and a model block fit together: see nt_schedule.h. All in frames but the rates (Hz)."""
    cdef nt_schedule fields

    @staticmethod
    def choose(host_rate, host_block, *, bint varies=False, resampler="sinc", taps=32, model_rates=(), model_blocks=()):
        """The rate and the block, of those that a model supports (none: any), with the least latency.

        >>> schedule = Schedule.choose(48000, 512, model_rates=[44100], model_blocks=[2048])
        >>> schedule.delay, schedule.resampling, schedule.buffering
        (2260, 36, 2224)
        """
        cdef Schedule made = Schedule.__new__(Schedule)
        cdef nt_schedule_request request
        request.host_rate = checked(host_rate, "sample_rate", MIN_RATE, MAX_RATE)
        request.host_block = checked(host_block, "block_size", 1, MAX_BLOCK)
        request.host_block_varies = varies
        request.kind = kind_of(resampler)
        request.taps = checked(taps, "taps", 0, MAX_BLOCK)
        rates = [checked(rate, "a model's sample rate", MIN_RATE, MAX_RATE) for rate in model_rates]
        blocks = [checked(block, "a model's block size", 1, MAX_BLOCK) for block in model_blocks]
        cdef uint32_t *numbers = <uint32_t *>malloc((len(rates) + len(blocks) + 1) * sizeof(uint32_t))
        if numbers == NULL:
            raise MemoryError()
        for index, number in enumerate(rates + blocks):
            numbers[index] = number
        request.model_rates = numbers
        request.model_rate_count = len(rates)
        request.model_blocks = numbers + request.model_rate_count
        request.model_block_count = len(blocks)
        cdef nt_status status = nt_schedule_choose(&made.fields, &request)
        free(numbers)
        if status == NT_ERROR_TAPS:
            raise ConfigurationError(f"taps is {taps!r}, expected an even number from {NT_TAPS_MIN} to {NT_TAPS_MAX}")
        if status != NT_OK:
            raise_status(status)
        return made

    @property
    def model_rate(self):
        return self.fields.model_rate

    @property
    def model_block(self):
        """The model's block in frames, or 0 if the model takes whatever has arrived."""
        return self.fields.model_block

    @property
    def session_block(self):
        """The largest block that the session will see."""
        return self.fields.session_block

    @property
    def resampling(self):
        return self.fields.resampling

    @property
    def buffering(self):
        return self.fields.buffering

    @property
    def delay(self):
        return self.fields.delay


def kernels_name():
    """The compiled variant of the inner loops that this processor runs: "generic", "avx2" or "avx512"."""
    return nt_kernels_name().decode()


def force_kernels(name):
    """Run another variant in what is created from now on (None: the best again), for tests and benchmarks."""
    cdef bytes encoded
    cdef nt_status status
    if name is None:
        status = nt_kernels_force(NULL)
    else:
        encoded = name.encode()
        status = nt_kernels_force(encoded)
    if status != NT_OK:
        raise ConfigurationError(f"this processor or build has no kernels {name!r}")
