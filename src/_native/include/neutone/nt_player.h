/* nt_player: the audio side of an engine in the background.
 *
 * A host's callback calls the player. The player only writes to and reads from the lock-free rings of its stream, and
 * posts a semaphore; a thread of the pool runs the session. Without slack, the callback runs the session itself.
 *
 * A stream is never changed while it is in use. Instead, a new one is made and offered. The audio thread takes it at
 * the beginning of a block, without waiting; the old one fades out, and is given back to the control thread.
 *
 * The caller makes sure that only one function for the main thread runs at a time.
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

/* Counters since nt_player_create. A new stream does not reset them. */
typedef struct nt_player_stats {
    uint64_t blocks, frames; /* of the host */
    uint64_t late_frames;    /* host frames that were replaced because the model was late */
    uint64_t hurried_frames; /* late frames for which the host gave the model less than half of the slack: it was
                              * catching up; counted if its blocks do not vary */
    uint64_t lost_frames;    /* host frames that the model never heard, because it was too far behind */
    uint64_t refused_blocks; /* blocks that became silence: of another size than the stream's, or of a second thread */
    uint64_t takeovers;      /* how often a new stream was taken */
    uint64_t audio_ns;       /* the duration of the host's blocks */
} nt_player_stats;

/* [main-thread] Make a player. The pool must outlive it. */
nt_status nt_player_create(nt_player **player, nt_pool *pool);

/* [main-thread] Free a player, after nt_player_close and after all streams were collected. NULL is allowed. */
void nt_player_destroy(nt_player *player);

/* [main-thread] Offer a stream. The audio thread takes it at its next block that fits. Do not use the stream in any
 * other way until nt_player_collect has returned it. `slack` is the number of host blocks from a block to its output,
 * at most NT_SLACK_MAX. With 0 the audio thread runs the session, which then must not allocate, lock or take the GIL.
 * If an earlier stream has been offered but not taken, it never will be, and can be collected. */
nt_status nt_player_offer(nt_player *player, nt_stream *stream, uint32_t slack);

/* [main-thread] Return a stream that no thread uses any more, or NULL. Waits while its model computes a block. */
nt_stream *nt_player_collect(nt_player *player);

/* [main-thread] Turn every block into silence from now on. Waits until the audio thread has left its current block;
 * then all streams can be collected. */
void nt_player_close(nt_player *player);

/* [audio-thread] Process one host block, as in nt_callback; `params` is as in nt_stream_process. If it returns an
 * error, `out` is silence. */
nt_status nt_player_process(nt_player *player, const float *const *in, float *const *out, uint32_t channels,
                            uint32_t frames, const float *const *params);

/* [audio-thread] Set a parameter of the stream in use, as nt_stream_set_parameter does. */
void nt_player_set_parameter(nt_player *player, uint32_t index, float value);

/* [any-thread] Whether nt_player_process waits for the model. Hosts want that while they do not run in real time. */
void nt_player_set_blocking(nt_player *player, bool blocking);
bool nt_player_is_blocking(const nt_player *player);

/* [any-thread] Return the functions for hosts. They are valid as long as the player is. */
const nt_callback *nt_player_callback(const nt_player *player);

/* [any-thread] */
void nt_player_get_stats(const nt_player *player, nt_player_stats *stats);
const nt_histogram *nt_player_callback_times(const nt_player *player);
const nt_histogram *nt_player_model_times(const nt_player *player);

/* [any-thread] Return the largest magnitude since the last call; 0 for channels that are not measured. */
float nt_player_take_input_peak(nt_player *player, uint32_t channel);
float nt_player_take_output_peak(nt_player *player, uint32_t channel);

#endif
