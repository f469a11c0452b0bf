# The C core's public headers, as Cython sees them.
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "neutone/nt_status.h" nogil:
    ctypedef enum nt_status:
        NT_OK
        NT_ERROR_MEMORY
        NT_ERROR_RATE
        NT_ERROR_BLOCK
        NT_ERROR_CHANNELS
        NT_ERROR_TAPS
        NT_ERROR_KIND
        NT_ERROR_ARGUMENT
        NT_ERROR_FRAMES
        NT_ERROR_NAN
        NT_ERROR_SESSION
        NT_ERROR_FULL
        NT_ERROR_BUSY
        NT_ERROR_CLOSED
    const char *nt_strerror(nt_status status)

cdef extern from "neutone/nt_span.h" nogil:
    ctypedef struct nt_span:
        float *first
        int32_t stride
        uint32_t frames

cdef extern from "neutone/nt_ring.h" nogil:
    ctypedef struct nt_ring:
        pass
    nt_status nt_ring_create(nt_ring **ring, uint32_t channels, uint32_t capacity)
    void nt_ring_destroy(nt_ring *ring)
    void nt_ring_reset(nt_ring *ring)
    uint32_t nt_ring_capacity(const nt_ring *ring)
    uint32_t nt_ring_channels(const nt_ring *ring)
    uint32_t nt_ring_readable(const nt_ring *ring)
    uint32_t nt_ring_writable(const nt_ring *ring)
    uint32_t nt_ring_push(nt_ring *ring, nt_span source)
    uint32_t nt_ring_peek(const nt_ring *ring, uint32_t offset, nt_span target)
    uint32_t nt_ring_discard(nt_ring *ring, uint32_t frames)
    uint32_t nt_ring_pop(nt_ring *ring, nt_span target)

cdef extern from "neutone/nt_resampler.h" nogil:
    ctypedef enum nt_resampler_kind:
        NT_LINEAR
        NT_HERMITE
        NT_SINC
    enum:
        NT_TAPS_MIN
        NT_TAPS_MAX
    ctypedef struct nt_resampler:
        pass
    ctypedef struct nt_resampler_config:
        nt_resampler_kind kind
        uint32_t taps
        uint32_t rate_in
        uint32_t rate_out
        uint32_t channels
        uint32_t lookahead
    nt_status nt_resampler_lookahead(nt_resampler_kind kind, uint32_t taps, uint32_t rate_in, uint32_t rate_out,
                                     uint32_t *frames)
    nt_status nt_resampler_create(nt_resampler **resampler, const nt_resampler_config *config)
    void nt_resampler_destroy(nt_resampler *resampler)
    void nt_resampler_reset(nt_resampler *resampler)
    void nt_resampler_process(nt_resampler *resampler, nt_span source, nt_span target, uint32_t *used,
                              uint32_t *generated)
    const char *nt_kernels_name()
    nt_status nt_kernels_force(const char *name)

cdef extern from "neutone/nt_schedule.h" nogil:
    ctypedef struct nt_schedule_request:
        uint32_t host_rate
        uint32_t host_block
        bint host_block_varies
        nt_resampler_kind kind
        uint32_t taps
        const uint32_t *model_rates
        uint32_t model_rate_count
        const uint32_t *model_blocks
        uint32_t model_block_count
    ctypedef struct nt_schedule:
        uint32_t host_rate
        uint32_t host_block
        bint host_block_varies
        uint32_t model_rate
        uint32_t model_block
        uint32_t session_block
        uint32_t lookahead_in
        uint32_t lookahead_out
        uint32_t arrivals
        uint32_t resampling
        uint32_t buffering
        uint32_t delay
    nt_status nt_schedule_choose(nt_schedule *schedule, const nt_schedule_request *request)

cdef extern from "neutone/nt_session.h" nogil:
    const char *NT_SESSION_CAPSULE
    enum:
        NT_SESSION_VERSION
    ctypedef struct nt_session:
        uint32_t version
        void *context
        int (*run)(void *context, uint32_t frames) noexcept
        void (*reset)(void *context) noexcept
        const char *(*error)(void *context) noexcept

cdef extern from "neutone/nt_stream.h" nogil:
    ctypedef struct nt_stream:
        pass
    ctypedef struct nt_exchange:
        const float *audio_out
        float *audio_in
        float *params
        uint32_t in_channels
        uint32_t out_channels
        uint32_t parameters
        uint32_t look_behind
    ctypedef enum nt_late:
        NT_LATE_SILENCE
        NT_LATE_DRY
        NT_LATE_REPEAT
    ctypedef struct nt_stream_config:
        nt_schedule schedule
        uint32_t host_channels
        uint32_t model_delay
        int64_t delay
        uint32_t backlog
        nt_late late
        bint fades_in
        nt_session session
        nt_exchange exchange
    ctypedef struct nt_stream_stats:
        uint64_t host_blocks
        uint64_t host_frames
        uint64_t model_blocks
        uint64_t model_frames
        uint64_t nonfinite_input
        uint64_t nonfinite_output
        uint64_t starved_frames
        uint64_t lost_frames
        uint64_t failed_blocks
    ctypedef enum nt_level:
        NT_INPUT_GAIN
        NT_WET
        NT_DRY
        NT_OUTPUT_GAIN
    nt_status nt_stream_create(nt_stream **stream, const nt_stream_config *config)
    void nt_stream_destroy(nt_stream *stream)
    void nt_stream_reset(nt_stream *stream)
    void nt_stream_set_parameter(nt_stream *stream, uint32_t index, float value)
    float nt_stream_get_parameter(const nt_stream *stream, uint32_t index)
    void nt_stream_set_level(nt_stream *stream, nt_level level, float factor)
    nt_status nt_stream_process(nt_stream *stream, const float *const *input, const float *const *params,
                                float *const *output, uint32_t frames)
    void nt_stream_get_stats(const nt_stream *stream, nt_stream_stats *stats)

cdef extern from "neutone/nt_callback.h" nogil:
    ctypedef struct nt_callback:
        pass

cdef extern from "neutone/nt_histogram.h" nogil:
    enum:
        NT_HISTOGRAM_CLASSES
    ctypedef struct nt_histogram:
        uint64_t total
        uint64_t largest
    void nt_histogram_read(const nt_histogram *histogram, uint64_t *counts)
    uint64_t nt_histogram_upper(uint32_t class_index)

cdef extern from "neutone/nt_pool.h" nogil:
    enum:
        NT_POOL_THREADS_MAX
    ctypedef struct nt_pool:
        pass
    nt_status nt_pool_create(nt_pool **pool, uint32_t threads, int priority)
    void nt_pool_destroy(nt_pool *pool)
    void nt_pool_set_priority(nt_pool *pool, int priority)
    uint32_t nt_pool_threads(const nt_pool *pool)
    int nt_pool_refusal(const nt_pool *pool)
    bint nt_pool_is_this_thread()

cdef extern from "neutone/nt_player.h" nogil:
    enum:
        NT_METERS
        NT_SLACK_MAX
    ctypedef struct nt_player:
        pass
    ctypedef struct nt_player_stats:
        uint64_t blocks
        uint64_t frames
        uint64_t late_frames
        uint64_t hurried_frames
        uint64_t lost_frames
        uint64_t refused_blocks
        uint64_t takeovers
        uint64_t audio_ns
    nt_status nt_player_create(nt_player **player, nt_pool *pool)
    void nt_player_destroy(nt_player *player)
    nt_status nt_player_offer(nt_player *player, nt_stream *stream, uint32_t slack)
    nt_stream *nt_player_collect(nt_player *player)
    void nt_player_close(nt_player *player)
    nt_status nt_player_process(nt_player *player, const float *const *input, float *const *output, uint32_t channels,
                                uint32_t frames, const float *const *params)
    void nt_player_set_blocking(nt_player *player, bint blocking)
    bint nt_player_is_blocking(const nt_player *player)
    const nt_callback *nt_player_callback(const nt_player *player)
    void nt_player_get_stats(const nt_player *player, nt_player_stats *stats)
    const nt_histogram *nt_player_callback_times(const nt_player *player)
    const nt_histogram *nt_player_model_times(const nt_player *player)
    float nt_player_take_input_peak(nt_player *player, uint32_t channel)
    float nt_player_take_output_peak(nt_player *player, uint32_t channel)
