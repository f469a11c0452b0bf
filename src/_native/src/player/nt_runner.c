/* A runner ties a stream to its player and to the pool: a thread of the pool runs the session, or the callback does. */
#include <stdlib.h>

#include "base/nt_thread.h"
#include "player/nt_player_internal.h"

enum { WAIT_YIELDS = 100, WAIT_POLL = 20 /* microseconds */ };

/* A piece of work is one model block, so that models share the pool's threads fairly. */
static bool work(void *context)
{
    nt_runner *runner = context;
    nt_status status; /* the stream has counted it, and the session knows why */
    return nt_stream_run_block(runner->stream, &runner->player->model_times, &status) &&
           nt_stream_has_block(runner->stream);
}

/* NULL without memory; else the first row points to the memory of all. */
static float **new_rows(uint32_t channels, uint32_t frames)
{
    float **rows = calloc(channels, sizeof *rows), *samples = calloc((size_t)channels * frames, sizeof *samples);
    if (!rows || !samples) {
        free(rows);
        free(samples);
        return NULL;
    }
    for (uint32_t c = 0; c < channels; c++)
        rows[c] = samples + (size_t)c * frames;
    return rows;
}

nt_status nt_runner_create(nt_runner **runner, nt_player *player, nt_stream *stream, uint32_t slack)
{
    nt_runner *made = calloc(1, sizeof *made);
    if (!made)
        return NT_ERROR_MEMORY;
    made->stream = stream;
    made->schedule = nt_stream_schedule(stream);
    made->channels = nt_stream_host_channels(stream);
    made->slack = slack;
    made->player = player;
    made->fading = new_rows(made->channels, made->schedule->host_block);
    made->handed = calloc((size_t)slack + 1, sizeof *made->handed);
    nt_status status = made->fading && made->handed ? NT_OK : NT_ERROR_MEMORY;
    if (status == NT_OK && slack > 0)
        status = nt_pool_add(player->pool, &made->slot, work, made);
    if (status != NT_OK) {
        nt_runner_destroy(made);
        return status;
    }
    *runner = made;
    return NT_OK;
}

void nt_runner_destroy(nt_runner *runner)
{
    if (runner->slot)
        nt_pool_remove(runner->player->pool, runner->slot);
    if (runner->fading)
        free(runner->fading[0]);
    free(runner->fading);
    free(runner->handed);
    free(runner);
}

void nt_runner_notify(nt_runner *runner)
{
    nt_pool_notify(runner->player->pool, runner->slot);
}

void nt_runner_wait(const nt_runner *runner)
{
    for (uint32_t tries = 0; !nt_pool_is_idle(runner->slot); tries++)
        if (tries < WAIT_YIELDS)
            nt_thread_yield();
        else
            nt_thread_sleep(WAIT_POLL);
}
