/* The control side of a worker: offering streams, taking back those that are done with, and looking on. */
#include <math.h>
#include <stdlib.h>

#include "base/nt_thread.h"
#include "player/nt_worker_internal.h"

enum { CLOSE_POLL = 50 /* microseconds */ };

static void process(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames)
{
    (void)nt_worker_process(context, in, out, channels, frames, NULL);
}

static void set_parameter(void *context, uint32_t index, float value)
{
    nt_worker_set_parameter(context, index, value);
}

static void set_blocking(void *context, bool blocking)
{
    nt_worker_set_blocking(context, blocking);
}

nt_status nt_worker_create(nt_worker **worker, nt_pool *pool)
{
    if (!worker || !pool)
        return NT_ERROR_ARGUMENT;
    *worker = calloc(1, sizeof **worker);
    if (!*worker)
        return NT_ERROR_MEMORY;
    (*worker)->pool = pool;
    (*worker)->callback = (nt_callback){*worker, process, set_parameter, set_blocking};
    return NT_OK;
}

void nt_worker_destroy(nt_worker *worker)
{
    free(worker);
}

nt_status nt_worker_offer(nt_worker *worker, nt_stream *stream, uint32_t slack)
{
    if (!stream || slack > NT_SLACK_MAX)
        return NT_ERROR_ARGUMENT;
    nt_runner *runner;
    nt_status status = nt_runner_create(&runner, worker, stream, slack);
    if (status != NT_OK)
        return status;
    /* release: all that the runner points to is there before the pointer */
    nt_runner *passed_over = atomic_exchange_explicit(&worker->offered, runner, memory_order_acq_rel);
    if (passed_over) {
        passed_over->next = worker->collected;
        worker->collected = passed_over;
    }
    return NT_OK;
}

nt_stream *nt_worker_collect(nt_worker *worker)
{
    if (!worker->collected)
        worker->collected = atomic_exchange_explicit(&worker->retired, NULL, memory_order_acquire);
    nt_runner *runner = worker->collected;
    if (!runner)
        return NULL;
    worker->collected = runner->next;
    nt_stream *stream = runner->stream;
    nt_runner_destroy(runner);
    return stream;
}

void nt_worker_close(nt_worker *worker)
{
    atomic_store_explicit(&worker->closed, true, memory_order_seq_cst);
    while (atomic_load_explicit(&worker->inside, memory_order_seq_cst))
        nt_thread_sleep(CLOSE_POLL);
    /* The audio thread will not come in again: all is ours. */
    nt_runner *left[] = {worker->active, atomic_exchange_explicit(&worker->offered, NULL, memory_order_acquire)};
    worker->active = NULL;
    for (int i = 0; i < 2; i++)
        if (left[i]) {
            left[i]->next = worker->collected;
            worker->collected = left[i];
        }
    /* Behind them what was retired before: collect takes that list when this one is empty. */
}

void nt_worker_set_blocking(nt_worker *worker, bool blocking)
{
    atomic_store_explicit(&worker->blocking, blocking, memory_order_relaxed);
}

bool nt_worker_is_blocking(const nt_worker *worker)
{
    return atomic_load_explicit(&worker->blocking, memory_order_relaxed);
}

const nt_callback *nt_worker_callback(const nt_worker *worker)
{
    return &worker->callback;
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void nt_worker_get_stats(const nt_worker *worker, nt_worker_stats *stats)
{
    *stats = (nt_worker_stats){
        .blocks = counted(&worker->blocks),
        .frames = counted(&worker->frames),
        .late_frames = counted(&worker->late_frames),
        .hurried_frames = counted(&worker->hurried_frames),
        .lost_frames = counted(&worker->lost_frames),
        .refused_blocks = counted(&worker->refused_blocks),
        .takeovers = counted(&worker->takeovers),
        .audio_ns = counted(&worker->audio_ns),
    };
}

const nt_histogram *nt_worker_callback_times(const nt_worker *worker)
{
    return &worker->callback_times;
}

const nt_histogram *nt_worker_model_times(const nt_worker *worker)
{
    return &worker->model_times;
}

static float take_peak(nt_peaks *peaks, uint32_t channel)
{
    return channel < NT_METERS ? atomic_exchange_explicit(&peaks->of[channel], 0.0f, memory_order_relaxed) : 0.0f;
}

float nt_worker_take_input_peak(nt_worker *worker, uint32_t channel)
{
    return take_peak(&worker->input_peaks, channel);
}

float nt_worker_take_output_peak(nt_worker *worker, uint32_t channel)
{
    return take_peak(&worker->output_peaks, channel);
}
