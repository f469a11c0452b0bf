/* The inside of a player, shared by its audio side and its control side. */
#ifndef NT_PLAYER_INTERNAL_H
#define NT_PLAYER_INTERNAL_H

#include <stdatomic.h>

#include "base/nt_counter.h"
#include "neutone/nt_gate.h"
#include "neutone/nt_player.h"

/* A stream with its place in the pool, and what is known of its blocks. */
typedef struct nt_runner {
    nt_stream *stream;
    const nt_schedule *schedule; /* the stream's: the host's rate and block */
    uint32_t channels;           /* the host's */
    uint32_t slack;              /* host blocks; 0: the audio thread runs the session */
    nt_player *player;
    nt_slot *slot; /* NULL without slack */
    float **fading;  /* (channels, host_block): what it has to say while another one takes over; one piece of memory */
    uint64_t *handed; /* (slack + 1): when the last blocks were handed to the model, ns, a circular list */
    uint32_t latest; /* its newest */
    uint64_t played; /* blocks */
    uint64_t late_before, lost_before; /* what the player's statistics hold of it already */
    struct nt_runner *next;            /* in a list of those that are done with */
} nt_runner;

typedef struct nt_peaks {
    _Atomic float of[NT_METERS];
} nt_peaks;

struct nt_player {
    nt_pool *pool;
    nt_callback callback;

    _Atomic(nt_runner *) offered; /* put by the control thread, taken (or put back) by the audio thread */
    _Atomic(nt_runner *) retired; /* a stack: pushed by the audio thread, taken whole by the control thread */
    nt_runner *collected;         /* the control thread's */

    nt_gate gate; /* open until nt_player_close; one audio thread is inside at a time */
    _Atomic bool blocking;

    char apart[64];
    nt_runner *active; /* the audio thread's */
    nt_counter blocks, frames, late_frames, hurried_frames, lost_frames, refused_blocks, takeovers, audio_ns;
    nt_peaks input_peaks, output_peaks;
    nt_histogram callback_times, model_times;
};

/* [main-thread] */
nt_status nt_runner_create(nt_runner **runner, nt_player *player, nt_stream *stream, uint32_t slack);

/* [main-thread] Waits for a model block that is being computed. The stream stays. */
void nt_runner_destroy(nt_runner *runner);

/* [audio-thread] Let the pool run it. */
void nt_runner_notify(nt_runner *runner);

/* [audio-thread, not in real time] Sleep until the pool has done everything. */
void nt_runner_wait(const nt_runner *runner);

#endif
