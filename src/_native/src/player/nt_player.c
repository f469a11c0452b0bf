/* The control side of a player: offering streams, taking back those that are done with, and looking on. */
#include <math.h>
#include <stdlib.h>

#include "base/nt_thread.h"
#include "player/nt_player_internal.h"

enum { CLOSE_POLL = 50 /* microseconds */ };

static void process(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames)
{
    (void)nt_player_process(context, in, out, channels, frames, NULL);
}

static void set_parameter(void *context, uint32_t index, float value)
{
    nt_player_set_parameter(context, index, value);
}

static void set_blocking(void *context, bool blocking)
{
    nt_player_set_blocking(context, blocking);
}

nt_status nt_player_create(nt_player **player, nt_pool *pool)
{
    if (!player || !pool)
        return NT_ERROR_ARGUMENT;
    *player = calloc(1, sizeof **player);
    if (!*player)
        return NT_ERROR_MEMORY;
    (*player)->pool = pool;
    nt_gate_init(&(*player)->gate, true);
    (*player)->callback = (nt_callback){*player, process, set_parameter, set_blocking};
    return NT_OK;
}

void nt_player_destroy(nt_player *player)
{
    free(player);
}

nt_status nt_player_offer(nt_player *player, nt_stream *stream, uint32_t slack)
{
    if (!stream || slack > NT_SLACK_MAX)
        return NT_ERROR_ARGUMENT;
    nt_runner *runner;
    nt_status status = nt_runner_create(&runner, player, stream, slack);
    if (status != NT_OK)
        return status;
    /* release: all that the runner points to is there before the pointer */
    nt_runner *passed_over = atomic_exchange_explicit(&player->offered, runner, memory_order_acq_rel);
    if (passed_over) {
        passed_over->next = player->collected;
        player->collected = passed_over;
    }
    return NT_OK;
}

nt_stream *nt_player_collect(nt_player *player)
{
    if (!player->collected)
        player->collected = atomic_exchange_explicit(&player->retired, NULL, memory_order_acquire);
    nt_runner *runner = player->collected;
    if (!runner)
        return NULL;
    player->collected = runner->next;
    nt_stream *stream = runner->stream;
    nt_runner_destroy(runner);
    return stream;
}

void nt_player_close(nt_player *player)
{
    nt_gate_close(&player->gate);
    while (!nt_gate_is_empty(&player->gate))
        nt_thread_sleep(CLOSE_POLL);
    /* The audio thread will not come in again: all is ours. */
    nt_runner *left[] = {player->active, atomic_exchange_explicit(&player->offered, NULL, memory_order_acquire)};
    player->active = NULL;
    for (int i = 0; i < 2; i++)
        if (left[i]) {
            left[i]->next = player->collected;
            player->collected = left[i];
        }
    /* Behind them what was retired before: collect takes that list when this one is empty. */
}

void nt_player_set_blocking(nt_player *player, bool blocking)
{
    atomic_store_explicit(&player->blocking, blocking, memory_order_relaxed);
}

bool nt_player_is_blocking(const nt_player *player)
{
    return atomic_load_explicit(&player->blocking, memory_order_relaxed);
}

const nt_callback *nt_player_callback(const nt_player *player)
{
    return &player->callback;
}

void nt_player_get_stats(const nt_player *player, nt_player_stats *stats)
{
    *stats = (nt_player_stats){
        .blocks = nt_counted(&player->blocks),
        .frames = nt_counted(&player->frames),
        .late_frames = nt_counted(&player->late_frames),
        .hurried_frames = nt_counted(&player->hurried_frames),
        .lost_frames = nt_counted(&player->lost_frames),
        .refused_blocks = nt_counted(&player->refused_blocks),
        .takeovers = nt_counted(&player->takeovers),
        .audio_ns = nt_counted(&player->audio_ns),
    };
}

const nt_histogram *nt_player_callback_times(const nt_player *player)
{
    return &player->callback_times;
}

const nt_histogram *nt_player_model_times(const nt_player *player)
{
    return &player->model_times;
}

static float take_peak(nt_peaks *peaks, uint32_t channel)
{
    return channel < NT_METERS ? atomic_exchange_explicit(&peaks->of[channel], 0.0f, memory_order_relaxed) : 0.0f;
}

float nt_player_take_input_peak(nt_player *player, uint32_t channel)
{
    return take_peak(&player->input_peaks, channel);
}

float nt_player_take_output_peak(nt_player *player, uint32_t channel)
{
    return take_peak(&player->output_peaks, channel);
}
