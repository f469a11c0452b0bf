/* nt_stream: everything between a host's block and a model's block.
 *
 *   write   gain, channel mapping, resampling, into the input ring; parameters beside it, frame for frame
 *   run     whole model blocks (with their look-behind) out of the ring, through the session, into the output ring
 *   read    resampling back, channel mapping, wet/dry with the dry path delayed alike, gain
 *
 * nt_stream_process calls the three in a row. The output starts with D frames of silence, the least delay that never
 * starves (nt_schedule.h).
 *
 * `write` and `read` may run in one thread and `run` in another: only lock-free rings lie between them. Then the delay
 * must be longer than D by the time that `run` takes, and `backlog` frames may wait for it. Output that is late is
 * replaced, and as much is dropped when it comes; input that finds no room is lost, and silence takes the place of its
 * output. So the latency never changes.
 */
#ifndef NEUTONE_NT_STREAM_H
#define NEUTONE_NT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_histogram.h"
#include "neutone/nt_schedule.h"
#include "neutone/nt_session.h"
#include "neutone/nt_status.h"

typedef struct nt_stream nt_stream;

/* The memory in which a stream and its session, made for blocks of up to N frames, exchange audio. Rows are packed: at
 * look_behind + frames in audio_in, at frames in params and audio_out. */
typedef struct nt_exchange {
    const float *audio_out; /* (out_channels, N) */
    float *audio_in;        /* (in_channels, look_behind + N), the newest frame last */
    float *params;          /* (parameters, N), 0..1; NULL if there are none */
    uint32_t in_channels, out_channels, parameters;
    uint32_t look_behind; /* frames */
} nt_exchange;

enum { NT_LEAST_DELAY = -1 };

/* What is heard in place of output that is late. */
typedef enum nt_late {
    NT_LATE_SILENCE = 0,
    NT_LATE_DRY = 1,   /* the unprocessed input, delayed as reported */
    NT_LATE_REPEAT = 2 /* the last host_block frames over and over, half as loud each time */
} nt_late;

typedef struct nt_stream_config {
    nt_schedule schedule; /* of the host's rate and block, and the model's; its session_block is the N of the session */
    uint32_t host_channels;
    uint32_t model_delay; /* host frames that the model itself delays: the dry path waits for it too */
    int64_t delay;        /* host frames of silence the output starts with; NT_LEAST_DELAY: the schedule's */
    uint32_t backlog;     /* model frames that may wait for `run` beyond what one write brings */
    nt_late late;
    bool fades_in; /* the first block rises from silence: for a stream that takes over in the middle of a sound */
    nt_session session;
    nt_exchange exchange; /* the session's memory */
} nt_stream_config;

typedef struct nt_stream_stats {
    uint64_t host_blocks, host_frames;
    uint64_t model_blocks, model_frames;
    uint64_t nonfinite_input, nonfinite_output; /* samples replaced by silence */
    uint64_t starved_frames;                    /* host frames that were not there in time, and were replaced */
    uint64_t lost_frames;                       /* host frames that found no room to wait for `run` */
    uint64_t failed_blocks;                     /* model blocks whose session failed, played as silence */
} nt_stream_stats;

typedef enum nt_level { NT_INPUT_GAIN = 0, NT_WET = 1, NT_DRY = 2, NT_OUTPUT_GAIN = 3, NT_LEVELS = 4 } nt_level;

/* [main-thread] The only allocation. The session and its memory must outlive the stream. */
nt_status nt_stream_create(nt_stream **stream, const nt_stream_config *config);

/* [main-thread] NULL is allowed. */
void nt_stream_destroy(nt_stream *stream);

/* [audio-thread, no other thread active] Back to the state after create, with the parameters and levels that are set;
 * resets the session. */
void nt_stream_reset(nt_stream *stream);

/* [any-thread] The value that parameter `index` (clamped to 0..1) or a level (a linear factor) ramps to over the next
 * block. NaN, an infinite factor and an index that is not there change nothing. */
void nt_stream_set_parameter(nt_stream *stream, uint32_t index, float value);
void nt_stream_set_level(nt_stream *stream, nt_level level, float factor);

/* [any-thread] The value last set; NaN for an index that is not there. */
float nt_stream_get_parameter(const nt_stream *stream, uint32_t index);

/* [audio-thread] One host block: a pointer to `frames` samples for each of the host's channels; in and out may be the same
 * memory. `params` has a pointer to a curve for each parameter, or is NULL: then the set values ramp over the block. A
 * curve with NaN is refused before anything happens. Non-finite input counts as silence. NT_ERROR_SESSION: the stream went
 * on, the failed block is silence. */
nt_status nt_stream_process(nt_stream *stream, const float *const *in, const float *const *params, float *const *out,
                            uint32_t frames);

/* [audio-thread] The parts of nt_stream_process, to be called in this order; or, side by side, write and read here and
 * run in another thread. Denormals are the caller's business in write and read; run flushes them. `times` is NULL, or gets
 * how long each model block took. */
nt_status nt_stream_write(nt_stream *stream, const float *const *in, const float *const *params, uint32_t frames);
nt_status nt_stream_run(nt_stream *stream, nt_histogram *times);
void nt_stream_read(nt_stream *stream, float *const *out, uint32_t frames);

/* [audio-thread] For the block in which `stream` takes over from another one: adds `fading`, what the other still has to
 * say, to `out` (both `channels` by `frames`), falling from full level to silence. Sums that overflow become silence and
 * count as this stream's nonfinite_output. */
void nt_stream_add_fading(nt_stream *stream, float *const *out, const float *const *fading, uint32_t channels,
                          uint32_t frames);

/* [run's thread] At most one model block. Returns whether there was one; `status` is that of its session. */
bool nt_stream_run_block(nt_stream *stream, nt_histogram *times, nt_status *status);

/* [run's thread] Whether there would be one. */
bool nt_stream_has_block(const nt_stream *stream);

/* [any-thread] What it was made for. The schedule lives as long as the stream. */
const nt_schedule *nt_stream_schedule(const nt_stream *stream);
uint32_t nt_stream_host_channels(const nt_stream *stream);

/* [any-thread] Each number by itself is right; together they may be a block apart while the stream is at work. */
void nt_stream_get_stats(const nt_stream *stream, nt_stream_stats *stats);

#endif
