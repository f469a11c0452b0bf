/* From the host's block into the input ring. */
#include <string.h>

#include "stream/nt_stream_internal.h"

/* Host-rate curves of every parameter into s->curves: given, or ramps to the set values. */
static nt_status gather_curves(nt_stream *s, const float *const *params, uint32_t frames)
{
    uint32_t parameters = s->config.exchange.parameters;
    if (params) {
        uint32_t nans = 0;
        for (uint32_t p = 0; p < parameters; p++)
            nans += s->kernels->clamp_unit(nt_span_row(s->curves, p), params[p], frames);
        if (nans)
            return NT_ERROR_NAN;
        for (uint32_t p = 0; p < parameters; p++)
            s->values[p] = nt_span_row(s->curves, p)[frames - 1];
        return NT_OK;
    }
    for (uint32_t p = 0; p < parameters; p++) {
        float to = atomic_load_explicit(&s->targets[p], memory_order_relaxed);
        float from = s->started ? s->values[p] : to;
        s->kernels->fill_ramp(nt_span_row(s->curves, p), from, to, frames);
        s->values[p] = to;
    }
    return NT_OK;
}

/* A sum of weighted frames can overflow although each of them is finite. */
static void sanitize_input(nt_stream *s, nt_span span, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c++)
        nt_count(&s->nonfinite_input, s->kernels->sanitize(nt_span_row(span, c), nt_span_row(span, c), span.frames));
}

static void ramp_gain(const nt_stream *s, nt_span span, uint32_t channels, float from, float to)
{
    for (uint32_t c = 0; c < channels; c++)
        s->kernels->gain_ramp(nt_span_row(span, c), from, to, span.frames);
}

/* Returns the number of frames that came of it, at the model's rate. The first `checked_channels` rows are sanitised. */
static uint32_t resample_into(nt_stream *s, nt_resampler *resampler, nt_ring *ring, nt_span from,
                              uint32_t checked_channels)
{
    uint32_t pushed = 0;
    for (;;) {
        nt_span to = nt_ring_write_span(ring, UINT32_MAX);
        uint32_t used, generated;
        nt_resampler_process(resampler, from, to, &used, &generated);
        sanitize_input(s, nt_span_first(to, generated), checked_channels);
        nt_ring_commit(ring, generated);
        from = nt_span_behind(from, used);
        pushed += generated;
        if (generated < to.frames || to.frames == 0)
            return pushed;
    }
}

/* As if pushed, but for the samples: the resampler goes on, so that positions stay exact. */
static uint32_t lose_at_model_rate(nt_stream *s, nt_resampler *resampler, nt_span from)
{
    uint32_t used, generated;
    if (!s->resamples)
        return from.frames;
    nt_resampler_process(resampler, from, s->nowhere, &used, &generated);
    return generated;
}

static bool has_room(const nt_stream *s, uint32_t frames)
{
    return nt_ring_writable(s->ring_in) >= frames && nt_ring_writable(s->ring_params) >= frames;
}

/* Whether the coming block is lost. Once a gap has begun, it goes on until half of the room is free, for a model that
 * is far behind gains nothing from scraps. */
static bool is_lost(nt_stream *s)
{
    uint32_t arrivals = s->config.schedule.arrivals;
    if (s->in_gap) {
        uint32_t half = nt_ring_capacity(s->ring_params) / 2;
        if (s->gap_count == NT_GAPS_MAX || !has_room(s, half > arrivals ? half : arrivals))
            return true;
        s->in_gap = false;
    }
    if (has_room(s, arrivals))
        return false;
    s->gaps[s->gap_count++] = (nt_gap){s->pushed, 0};
    s->in_gap = true;
    return true;
}

static void push_audio(nt_stream *s, const float *const *in, uint32_t frames, bool lost)
{
    uint32_t host_channels = s->config.host_channels, in_channels = s->config.exchange.in_channels;
    nt_span audio = nt_span_first(s->scratch, frames);
    for (uint32_t c = 0; c < host_channels; c++)
        nt_count(&s->nonfinite_input, s->kernels->sanitize(nt_span_row(audio, c), in[c], frames));
    if (s->config.fades_in && !s->started)
        ramp_gain(s, audio, host_channels, 0.0f, 1.0f);
    nt_ring_push(s->ring_dry, audio);

    float to = atomic_load_explicit(&s->level_targets[NT_INPUT_GAIN], memory_order_relaxed);
    float from = s->started ? s->levels[NT_INPUT_GAIN] : to;
    s->levels[NT_INPUT_GAIN] = to;
    bool is_gained = from != 1.0f || to != 1.0f;
    if (is_gained)
        ramp_gain(s, audio, host_channels, from, to);
    if (host_channels != in_channels) {
        nt_span mapped = nt_span_first(s->mapped, frames);
        nt_map_channels(s->kernels, audio, host_channels, mapped, in_channels);
        audio = mapped;
    }
    /* Gain and sums can overflow what was finite. */
    if (is_gained || host_channels > in_channels)
        sanitize_input(s, audio, in_channels);
    if (lost)
        s->gaps[s->gap_count - 1].frames += lose_at_model_rate(s, s->resampler_in, audio);
    else
        s->pushed += s->resamples ? resample_into(s, s->resampler_in, s->ring_in, audio, in_channels)
                                  : nt_ring_push(s->ring_in, audio);
}

static void push_curves(nt_stream *s, uint32_t frames, bool lost)
{
    nt_span curves = nt_span_first(s->curves, frames);
    if (s->config.exchange.parameters == 0)
        return;
    if (lost)
        lose_at_model_rate(s, s->resampler_params, curves);
    else if (s->resamples) /* values from 0 to 1 on straight lines: nothing overflows */
        resample_into(s, s->resampler_params, s->ring_params, curves, 0);
    else
        nt_ring_push(s->ring_params, curves);
}

nt_status nt_stream_write(nt_stream *s, const float *const *in, const float *const *params, uint32_t frames)
{
    uint32_t block = s->config.schedule.host_block;
    if (frames > block || (!s->config.schedule.host_block_varies && frames != block))
        return NT_ERROR_FRAMES;
    if (frames == 0)
        return NT_OK;
    nt_status status = gather_curves(s, params, frames);
    if (status != NT_OK)
        return status;
    bool lost = is_lost(s);
    /* Parameters first: whoever sees the audio, in another thread, finds them there. */
    push_curves(s, frames, lost);
    push_audio(s, in, frames, lost);
    nt_count(&s->host_blocks, 1);
    nt_count(&s->host_frames, frames);
    nt_count(&s->lost_frames, lost ? frames : 0);
    return NT_OK;
}
