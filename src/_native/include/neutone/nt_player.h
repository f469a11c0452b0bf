/* nt_player: the audio side of an engine whose model runs beside the audio thread.
 *
 * The player is what a host's callback calls. It only writes to and reads from its stream's lock-free rings and posts a
 * semaphore; a thread of the pool runs the session. Without slack the callback runs it by itself.
 *
 * A stream is never changed while it is in use. Another one is made, offered, and taken over by the audio thread at the
 * beginning of a block, without waiting; the one before fades out, and is given back to the control thread.
 *
 * Of the functions for the main thread one runs at a time; the caller sees to that.
 */
#ifndef NEUTONE_NT_PLAYER_H
#define NEUTONE_NT_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_callback.h"
#include "neutone/nt_histogram.h"
#include "neutone/nt_pool.h"
#include "neutone/nt_status.h"
#include "neutone/nt_stream.h"

typedef struct nt_player nt_player;

enum { NT_METERS = 64 /* channels whose peaks are measured */, NT_SLACK_MAX = 1024 };

/* Since create; taking over another stream changes none of them. */
typedef struct nt_player_stats {
    uint64_t blocks, frames; /* of the host */
    uint64_t late_frames;    /* host frames that were replaced, because the model was late */
    uint64_t hurried_frames; /* those of them for which the host gave the model less than half of the slack: it was catching up;
                              * counted if its blocks do not vary */
    uint64_t lost_frames;    /* host frames that the model never heard, for it was too far behind */
    uint64_t refused_blocks; /* of another size than the stream was made for, or of a second thread: silence */
    uint64_t takeovers;
    uint64_t audio_ns;       /* how long the host's blocks sound */
} nt_player_stats;

/* [main-thread] The pool must outlive it. */
nt_status nt_player_create(nt_player **player, nt_pool *pool);

/* [main-thread] After nt_player_close, and after everything was collected. NULL is allowed. */
void nt_player_destroy(nt_player *player);

/* [main-thread] The stream that the audio thread takes over at its next block that fits; it may not be used otherwise
 * until nt_player_collect gives it back. `slack`: host blocks between a block and what the model makes of it, at most NT_SLACK_MAX; 0: the
 * audio thread runs the session, which then must not allocate, lock or take the GIL. A stream that was offered before and
 * not yet taken will not be, and can be collected. */
nt_status nt_player_offer(nt_player *player, nt_stream *stream, uint32_t slack);

/* [main-thread] A stream that no thread will touch again, or NULL. Waits for a model block that is being computed. */
nt_stream *nt_player_collect(nt_player *player);

/* [main-thread] From here on every block is silence. Waits for the audio thread to leave the one that it is in; then
 * everything can be collected. */
void nt_player_close(nt_player *player);

/* [audio-thread] One host block, as in nt_callback; `params` as in nt_stream_write. If it returns an error, out is
 * silence. */
nt_status nt_player_process(nt_player *player, const float *const *in, float *const *out, uint32_t channels,
                            uint32_t frames, const float *const *params);

/* [audio-thread] Of the stream in use. */
void nt_player_set_parameter(nt_player *player, uint32_t index, float value);

/* [any-thread] Whether nt_player_process waits for the model, as hosts want it that are not in real time. */
void nt_player_set_blocking(nt_player *player, bool blocking);
bool nt_player_is_blocking(const nt_player *player);

/* [any-thread] It lives as long as the player. */
const nt_callback *nt_player_callback(const nt_player *player);

/* [any-thread] */
void nt_player_get_stats(const nt_player *player, nt_player_stats *stats);
const nt_histogram *nt_player_callback_times(const nt_player *player);
const nt_histogram *nt_player_model_times(const nt_player *player);

/* [any-thread] The largest magnitude since the last call, 0 for channels that are not measured. */
float nt_player_take_input_peak(nt_player *player, uint32_t channel);
float nt_player_take_output_peak(nt_player *player, uint32_t channel);

#endif
