/* Creation, destruction and the settings of a stream. Its three movements are in nt_stream_write.c, nt_stream_run.c
 * and nt_stream_read.c, all of them in a row in nt_stream_process.c. */
#include "stream/nt_stream_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_DELAY = 1 << 28 }; /* host frames: so that sums of delays and blocks fit 32 bits */

static nt_status create_resampler(nt_resampler **resampler, const nt_stream_config *config, nt_resampler_kind kind,
                                  uint32_t rate_in, uint32_t rate_out, uint32_t channels, uint32_t lookahead)
{
    nt_resampler_config wanted = {kind, config->schedule.taps, rate_in, rate_out, channels, lookahead};
    return nt_resampler_create(resampler, &wanted);
}

/* `first` is NULL without memory; the caller frees it. */
static nt_span new_rows(uint32_t rows, uint32_t frames)
{
    size_t samples = (size_t)rows * frames;
    return (nt_span){calloc(samples ? samples : 1, sizeof(float)), (ptrdiff_t)frames, frames};
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static nt_status create_parts(nt_stream *s)
{
    const nt_stream_config *config = &s->config;
    const nt_schedule *schedule = &config->schedule;
    const nt_exchange *exchange = &config->exchange;
    nt_status status = NT_OK;

    if (s->resamples) {
        status = create_resampler(&s->resampler_in, config, schedule->kind, schedule->host_rate, schedule->model_rate,
                                  exchange->in_channels, 0);
        if (status == NT_OK)
            status = create_resampler(&s->resampler_out, config, schedule->kind, schedule->model_rate,
                                      schedule->host_rate, exchange->out_channels, 0);
        /* Linear in value, but with the look-ahead of the audio, so that both bring the same frames at a time. */
        if (status == NT_OK && exchange->parameters)
            status = create_resampler(&s->resampler_params, config, NT_LINEAR, schedule->host_rate,
                                      schedule->model_rate, exchange->parameters, schedule->lookahead_in);
    }
    /* Between calls less than a block waits; one call adds `arrivals`. */
    uint32_t waiting = schedule->session_block + schedule->arrivals + config->backlog;
    uint32_t block = schedule->host_block;
    if (status == NT_OK)
        status = nt_ring_create(&s->ring_in, exchange->in_channels, exchange->look_behind + waiting);
    if (status == NT_OK)
        status = nt_ring_create(&s->ring_params, exchange->parameters, waiting);
    if (status == NT_OK)
        status = nt_ring_create(&s->ring_out, exchange->out_channels, waiting);
    /* What has come back, with what came too late and is yet to be dropped, never exceeds the delay and what went in. */
    if (status == NT_OK)
        status = nt_ring_create(&s->ring_back, exchange->out_channels, larger(s->delay, schedule->delay) + 2 * block);
    if (status == NT_OK)
        status = nt_ring_create(&s->ring_dry, config->host_channels, s->delay + config->model_delay + block);
    if (status != NT_OK)
        return status;

    uint32_t rows = larger(config->host_channels, larger(exchange->in_channels, exchange->out_channels));
    s->scratch = new_rows(rows, block);
    s->mapped = new_rows(rows, block);
    s->scratch_rows = calloc(rows, sizeof *s->scratch_rows);
    s->curves = new_rows(exchange->parameters, block);
    s->targets = calloc((size_t)exchange->parameters + 1, sizeof *s->targets);
    s->values = calloc((size_t)exchange->parameters + 1, sizeof *s->values);
    s->nowhere = new_rows(larger(exchange->in_channels, exchange->parameters), schedule->arrivals);
    s->silence = new_rows(1, schedule->arrivals);
    s->silence.stride = 0;
    s->recent = new_rows(config->late == NT_LATE_REPEAT ? exchange->out_channels : 0, block);
    if (!s->scratch.first || !s->mapped.first || !s->scratch_rows || !s->curves.first || !s->targets || !s->values ||
        !s->nowhere.first || !s->silence.first || !s->recent.first)
        return NT_ERROR_MEMORY;
    for (uint32_t c = 0; c < rows; c++)
        s->scratch_rows[c] = nt_span_row(s->scratch, c);
    return NT_OK;
}

static nt_status check(const nt_stream_config *config)
{
    const nt_session *session = &config->session;
    const nt_exchange *exchange = &config->exchange;
    if (session->version != NT_SESSION_VERSION || !session->run)
        return NT_ERROR_ARGUMENT;
    if ( !exchange->audio_in || !exchange->audio_out || (exchange->parameters && !exchange->params))
        return NT_ERROR_ARGUMENT;
    if (config->host_channels == 0 || config->host_channels > NT_CHANNELS_MAX || exchange->in_channels == 0 ||
        exchange->in_channels > NT_CHANNELS_MAX || exchange->out_channels == 0 ||
        exchange->out_channels > NT_CHANNELS_MAX || exchange->parameters > NT_CHANNELS_MAX)
        return NT_ERROR_CHANNELS;
    if (config->schedule.session_block == 0 || exchange->look_behind > NT_BLOCK_MAX)
        return NT_ERROR_BLOCK;
    if (config->delay != NT_LEAST_DELAY && (config->delay < 0 || config->delay > LONGEST_DELAY))
        return NT_ERROR_ARGUMENT;
    if (config->model_delay > LONGEST_DELAY || config->backlog > LONGEST_DELAY)
        return NT_ERROR_ARGUMENT;
    if (config->late != NT_LATE_SILENCE && config->late != NT_LATE_DRY && config->late != NT_LATE_REPEAT)
        return NT_ERROR_ARGUMENT;
    return nt_schedule_check(&config->schedule);
}

nt_status nt_stream_create(nt_stream **stream, const nt_stream_config *config)
{
    if (!stream || !config)
        return NT_ERROR_ARGUMENT;
    *stream = NULL;
    nt_status status = check(config);
    if (status != NT_OK)
        return status;
    nt_stream *made = calloc(1, sizeof *made);
    if (!made)
        return NT_ERROR_MEMORY;
    made->config = *config;
    made->kernels = nt_kernels_select();
    made->delay = config->delay == NT_LEAST_DELAY ? config->schedule.delay : (uint32_t)config->delay;
    made->resamples = config->schedule.host_rate != config->schedule.model_rate;
    status = create_parts(made);
    if (status != NT_OK) {
        nt_stream_destroy(made);
        return status;
    }
    static const float neutral[NT_LEVELS] = {1.0f, 1.0f, 0.0f, 1.0f};
    for (int level = 0; level < NT_LEVELS; level++)
        atomic_init(&made->level_targets[level], neutral[level]);
    nt_stream_reset(made);
    *stream = made;
    return NT_OK;
}

void nt_stream_destroy(nt_stream *s)
{
    if (!s)
        return;
    nt_resampler_destroy(s->resampler_in);
    nt_resampler_destroy(s->resampler_out);
    nt_resampler_destroy(s->resampler_params);
    nt_ring_destroy(s->ring_in);
    nt_ring_destroy(s->ring_params);
    nt_ring_destroy(s->ring_out);
    nt_ring_destroy(s->ring_back);
    nt_ring_destroy(s->ring_dry);
    free(s->scratch.first);
    free(s->mapped.first);
    free(s->scratch_rows);
    free(s->curves.first);
    free(s->targets);
    free(s->values);
    free(s->nowhere.first);
    free(s->silence.first);
    free(s->recent.first);
    free(s);
}

void nt_stream_reset(nt_stream *s)
{
    if (s->resamples) {
        nt_resampler_reset(s->resampler_in);
        nt_resampler_reset(s->resampler_out);
        if (s->resampler_params)
            nt_resampler_reset(s->resampler_params);
    }
    nt_ring_reset(s->ring_in);
    nt_ring_reset(s->ring_params);
    nt_ring_reset(s->ring_out);
    nt_ring_reset(s->ring_back);
    nt_ring_reset(s->ring_dry);
    nt_ring_push_silence(s->ring_in, s->config.exchange.look_behind);
    nt_ring_push_silence(s->ring_back, s->delay);
    nt_ring_push_silence(s->ring_dry, s->delay + s->config.model_delay);
    s->started = false;
    s->session_is_broken = false;
    s->late = 0;
    s->repeat_position = 0;
    s->repeat_gain = 1.0f;
    s->gap_count = 0;
    s->in_gap = false;
    s->pushed = s->returned = 0;
    nt_counter *counters[] = {&s->model_blocks,    &s->model_frames,     &s->failed_blocks,  &s->nonfinite_model,
                              &s->host_blocks,     &s->host_frames,      &s->nonfinite_input, &s->nonfinite_output,
                              &s->starved_frames,  &s->lost_frames};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        nt_count_from_zero(counters[i]);
    if (s->config.session.reset)
        s->config.session.reset(s->config.session.context);
}

void nt_stream_set_parameter(nt_stream *s, uint32_t index, float value)
{
    if (index >= s->config.exchange.parameters || value != value)
        return;
    value = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
    atomic_store_explicit(&s->targets[index], value, memory_order_relaxed);
}

float nt_stream_get_parameter(const nt_stream *s, uint32_t index)
{
    if (index >= s->config.exchange.parameters)
        return NAN;
    return atomic_load_explicit(&s->targets[index], memory_order_relaxed);
}

void nt_stream_set_level(nt_stream *s, nt_level level, float factor)
{
    if (level >= 0 && level < NT_LEVELS && factor - factor == 0.0f) /* finite */
        atomic_store_explicit(&s->level_targets[level], factor, memory_order_relaxed);
}

const nt_schedule *nt_stream_schedule(const nt_stream *s)
{
    return &s->config.schedule;
}

uint32_t nt_stream_host_channels(const nt_stream *s)
{
    return s->config.host_channels;
}

void nt_stream_get_stats(const nt_stream *s, nt_stream_stats *stats)
{
    *stats = (nt_stream_stats){
        .host_blocks = nt_counted(&s->host_blocks),
        .host_frames = nt_counted(&s->host_frames),
        .model_blocks = nt_counted(&s->model_blocks),
        .model_frames = nt_counted(&s->model_frames),
        .nonfinite_input = nt_counted(&s->nonfinite_input),
        .nonfinite_output = nt_counted(&s->nonfinite_output) + nt_counted(&s->nonfinite_model),
        .starved_frames = nt_counted(&s->starved_frames),
        .lost_frames = nt_counted(&s->lost_frames),
        .failed_blocks = nt_counted(&s->failed_blocks),
    };
}
