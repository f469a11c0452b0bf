cdef const char *CALLBACK_NAME = "neutone.callback"    # a capsule keeps the pointer


@cython.final
cdef class Pool:
    """Threads that run the models of engines in the background, at this SCHED_FIFO priority (0: none) if permitted."""
    cdef nt_pool *pool

    def __cinit__(self, threads, priority):
        cdef uint32_t count = checked(threads, "threads", 1, NT_POOL_THREADS_MAX)
        cdef int wanted = checked(priority, "priority", 0, 99)
        cdef nt_status status = nt_pool_create(&self.pool, count, wanted)
        if status != NT_OK:
            raise_status(status)

    def __dealloc__(self):
        with nogil:
            nt_pool_destroy(self.pool)

    def set_priority(self, priority):
        """Change the SCHED_FIFO priority (0..99; 0: ordinary threads) while they work."""
        nt_pool_set_priority(self.pool, checked(priority, "priority", 0, 99))

    @property
    def threads(self):
        """The number of threads."""
        return nt_pool_threads(self.pool)

    @property
    def refusal(self):
        """The errno with which the system refused the priority, or 0."""
        return nt_pool_refusal(self.pool)


def is_worker_thread():
    """Return whether the calling thread belongs to a pool and is running a model; it must not wait for another model."""
    return nt_pool_is_this_thread()


# Players (addresses, and their pools) that were released in a thread of the pool, in which the garbage collector happened
# to run.
cdef list remains = []


# The streams that a player and the pool may touch, by the player's address. Because of this dictionary, the garbage
# collector finds them in use even if everything else that refers to them is garbage.
cdef dict held_streams = {}


def bury_remains():
    """Free the players that could not be freed in the thread that released them. Waits for models that are computing."""
    while remains and not nt_pool_is_this_thread():
        address, pool = remains.pop()
        held = held_streams.pop(address)    # before another player has this address
        free_player(<nt_player *><size_t>address)
        del held, pool


cdef void free_player(nt_player *player) noexcept:
    with nogil:
        nt_player_close(player)
        while nt_player_collect(player) != NULL:
            pass
        nt_player_destroy(player)


# Not cleared before it is freed: it needs its pool until then.
@cython.final
@cython.no_gc_clear
cdef class Player:
    """Streams that take turns at one host's callback, with their sessions run by a pool.

    `process` and the callback are for one audio thread, the other methods for one control thread at a time.
    """
    cdef nt_player *player
    cdef Pool pool
    cdef _HostBlock block    # of the stream that was offered last
    cdef bint closed

    def __cinit__(self, Pool pool not None):
        self.pool = pool
        cdef nt_status status = nt_player_create(&self.player, pool.pool)
        if status != NT_OK:
            raise_status(status)
        held_streams[<size_t>self.player] = []
        bury_remains()

    def __dealloc__(self):
        if self.player == NULL:
            return
        if nt_pool_is_this_thread():
            remains.append((<size_t>self.player, self.pool))
        else:
            held = held_streams.pop(<size_t>self.player)
            free_player(self.player)
            del held

    def offer(self, Stream stream not None, slack):
        """Let the audio thread take it over at its next block that fits. Its delay has `slack` host blocks for the model;
        without any the audio thread runs it."""
        cdef uint32_t host_blocks = checked(slack, "slack", 0, NT_SLACK_MAX)
        if self.closed:
            raise RuntimeError("the engine is closed")
        if stream.is_offered:
            raise RuntimeError("the stream was offered before")
        stream.is_offered = True
        held_streams[<size_t>self.player].append(stream)
        cdef nt_status status = nt_player_offer(self.player, stream.stream, host_blocks)
        if status != NT_OK:
            held_streams[<size_t>self.player].remove(stream)
            stream.is_offered = False
            raise_status(status)
        self.block = stream.block

    def process(self, audio, out=None, curves=None):
        """One host block, as `Stream.process` takes it; waits for nothing, unless `blocking`. A session that fails is
        silence, and no error: `Stream.failure` has it."""
        cdef nt_status status = NT_OK
        cdef _HostBlock block = self.block
        if self.closed:
            raise RuntimeError("the engine is closed")
        if block is None:
            raise RuntimeError("no stream was offered yet")
        block.claim()
        try:
            out = block.hold(audio, out, curves)
            if block.frames:
                with nogil:
                    status = nt_player_process(self.player, block.inputs, block.outputs, block.channels, block.frames,
                                               block.curves)
        finally:
            block.leave()
        if status != NT_OK:
            raise_status(status)
        return out

    def collect(self):
        """The streams that no thread will touch again. Waits for a model that is computing a block of theirs."""
        cdef nt_stream *done
        cdef Stream stream
        collected = []
        while True:
            with nogil:
                done = nt_player_collect(self.player)
            if done == NULL:
                return collected
            for candidate in held_streams[<size_t>self.player]:
                stream = candidate
                if stream.stream == done:
                    held_streams[<size_t>self.player].remove(stream)
                    collected.append(stream)
                    break

    def close(self):
        """Return silence for every block from here on. Returns all streams, as `collect` does."""
        self.closed = True
        with nogil:
            nt_player_close(self.player)
        return self.collect()

    @property
    def callback(self):
        """A capsule "neutone.callback" around what nt_callback.h declares; it keeps the player alive."""
        capsule = PyCapsule_New(<void *>nt_player_callback(self.player), CALLBACK_NAME, release_player)
        PyCapsule_SetContext(capsule, <void *>self)
        Py_INCREF(self)
        return capsule

    @property
    def blocking(self):
        """Whether `process` waits for the model."""
        return nt_player_is_blocking(self.player)

    @blocking.setter
    def blocking(self, bint blocking):
        nt_player_set_blocking(self.player, blocking)

    @property
    def stats(self):
        """The counters since the player was made, by name."""
        cdef nt_player_stats stats
        nt_player_get_stats(self.player, &stats)
        return stats

    @property
    def callback_times(self):
        """The durations of the host's blocks: (total ns, longest ns, [(at most ns, count), ...])."""
        return read_histogram(nt_player_callback_times(self.player))

    @property
    def model_times(self):
        """The durations of the model's blocks: (total ns, longest ns, [(at most ns, count), ...])."""
        return read_histogram(nt_player_model_times(self.player))

    def take_peaks(self, channels):
        """Return ([input peaks], [output peaks]) of the first channels (at most 64) since the last call, linear."""
        rows = range(min(<uint32_t>channels, <uint32_t>NT_METERS))
        return ([nt_player_take_input_peak(self.player, c) for c in rows],
                [nt_player_take_output_peak(self.player, c) for c in rows])


cdef void release_player(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef object read_histogram(const nt_histogram *histogram):
    cdef uint64_t counts[NT_HISTOGRAM_CLASSES]
    nt_histogram_read(histogram, counts)
    classes = [(nt_histogram_upper(i), counts[i]) for i in range(NT_HISTOGRAM_CLASSES) if counts[i]]
    return histogram.total, histogram.largest, classes
