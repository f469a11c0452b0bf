/* From the host's block into the input ring. */
#include <string.h>

#include "stream/nt_stream_internal.h"

/* Host-rate curves of every parameter into s->curves: given, or ramps to the set values. */
static nt_status gather_curves(nt_stream *s, const float *params, ptrdiff_t params_stride, uint32_t frames)
{
    uint32_t parameters = s->config.session.parameters, block = s->config.schedule.host_block;
    if (params) {
        uint32_t nans = 0;
        for (uint32_t p = 0; p < parameters; p++)
            nans += s->kernels->clamp_unit(s->curves + (size_t)p * block, params + (ptrdiff_t)p * params_stride,
                                           frames);
        if (nans)
            return NT_ERROR_NAN;
        for (uint32_t p = 0; p < parameters; p++)
            s->values[p] = s->curves[(size_t)p * block + frames - 1];
        return NT_OK;
    }
    for (uint32_t p = 0; p < parameters; p++) {
        float to = atomic_load_explicit(&s->targets[p], memory_order_relaxed);
        float from = s->started ? s->values[p] : to;
        s->kernels->fill_ramp(s->curves + (size_t)p * block, from, to, frames);
        s->values[p] = to;
    }
    return NT_OK;
}

/* A sum of weighted frames can overflow although each of them is finite. */
static uint64_t sanitize_span(const nt_stream *s, const nt_span *span, uint32_t channels, uint32_t frames)
{
    uint64_t broken = 0;
    for (uint32_t c = 0; c < channels; c++) {
        float *row = span->first + (ptrdiff_t)c * span->stride;
        broken += s->kernels->sanitize(row, row, frames);
    }
    return broken;
}

/* Returns the number of frames that came of it, at the model's rate. The first `checked_channels` rows are sanitised. */
static uint32_t resample_into(nt_stream *s, nt_resampler *resampler, nt_ring *ring, const float *from,
                              ptrdiff_t stride, uint32_t frames, uint32_t checked_channels)
{
    uint32_t done = 0, pushed = 0;
    for (;;) {
        nt_span span = nt_ring_write_span(ring, UINT32_MAX);
        uint32_t used, generated;
        nt_resampler_process(resampler, from + done, stride, frames - done, span.first, span.stride, span.frames,
                             &used, &generated);
        nt_count(&s->nonfinite_input, sanitize_span(s, &span, checked_channels, generated));
        nt_ring_commit(ring, generated);
        done += used;
        pushed += generated;
        if (generated < span.frames || span.frames == 0)
            return pushed;
    }
}

/* As if pushed, but for the samples: the resampler goes on, so that positions stay exact. */
static uint32_t lose_at_model_rate(nt_stream *s, nt_resampler *resampler, const float *from, ptrdiff_t stride,
                                   uint32_t frames)
{
    uint32_t used, generated;
    if (!s->resamples)
        return frames;
    nt_resampler_process(resampler, from, stride, frames, s->nowhere, (ptrdiff_t)s->config.schedule.arrivals,
                         s->config.schedule.arrivals, &used, &generated);
    return generated;
}

static bool has_room(const nt_stream *s, uint32_t frames)
{
    return nt_ring_writable(s->ring_in) >= frames && nt_ring_writable(s->ring_params) >= frames;
}

/* Whether the coming block is lost. Where a gap has begun, it goes on until half of the room is free, for a model that
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

static void push_audio(nt_stream *s, const float *in, ptrdiff_t in_stride, uint32_t frames, bool lost)
{
    uint32_t host_channels = s->config.host_channels, in_channels = s->config.session.in_channels;
    ptrdiff_t block = (ptrdiff_t)s->config.schedule.host_block;
    for (uint32_t c = 0; c < host_channels; c++)
        nt_count(&s->nonfinite_input, s->kernels->sanitize(s->scratch + (ptrdiff_t)c * block,
                                                           in + (ptrdiff_t)c * in_stride, frames));
    if (s->config.fades_in && !s->started)
        for (uint32_t c = 0; c < host_channels; c++)
            s->kernels->gain_ramp(s->scratch + (ptrdiff_t)c * block, 0.0f, 1.0f, frames);
    nt_ring_push(s->ring_dry, s->scratch, block, frames);

    float to = atomic_load_explicit(&s->level_targets[NT_INPUT_GAIN], memory_order_relaxed);
    float from = s->started ? s->levels[NT_INPUT_GAIN] : to;
    s->levels[NT_INPUT_GAIN] = to;
    bool is_gained = from != 1.0f || to != 1.0f;
    if (is_gained)
        for (uint32_t c = 0; c < host_channels; c++)
            s->kernels->gain_ramp(s->scratch + (ptrdiff_t)c * block, from, to, frames);

    float *audio = s->scratch;
    if (host_channels != in_channels) {
        nt_map_channels(s->kernels, s->scratch, block, host_channels, s->mapped, block, in_channels, frames);
        audio = s->mapped;
    }
    /* Gain and sums can overflow what was finite. */
    if (is_gained || host_channels > in_channels)
        for (uint32_t c = 0; c < in_channels; c++) {
            float *channel = audio + (ptrdiff_t)c * block;
            nt_count(&s->nonfinite_input, s->kernels->sanitize(channel, channel, frames));
        }
    if (lost)
        s->gaps[s->gap_count - 1].frames += lose_at_model_rate(s, s->resampler_in, audio, block, frames);
    else
        s->pushed += s->resamples
                         ? resample_into(s, s->resampler_in, s->ring_in, audio, block, frames, in_channels)
                         : nt_ring_push(s->ring_in, audio, block, frames);
}

static void push_curves(nt_stream *s, uint32_t frames, bool lost)
{
    ptrdiff_t block = (ptrdiff_t)s->config.schedule.host_block;
    if (s->config.session.parameters == 0)
        return;
    if (lost)
        lose_at_model_rate(s, s->resampler_params, s->curves, block, frames);
    else if (s->resamples) /* values from 0 to 1 on straight lines: nothing overflows */
        resample_into(s, s->resampler_params, s->ring_params, s->curves, block, frames, 0);
    else
        nt_ring_push(s->ring_params, s->curves, block, frames);
}

nt_status nt_stream_write(nt_stream *s, const float *in, ptrdiff_t in_stride, const float *params,
                          ptrdiff_t params_stride, uint32_t frames)
{
    uint32_t block = s->config.schedule.host_block;
    if (frames > block || (!s->config.schedule.host_block_varies && frames != block))
        return NT_ERROR_FRAMES;
    if (frames == 0)
        return NT_OK;
    nt_status status = gather_curves(s, params, params_stride, frames);
    if (status != NT_OK)
        return status;
    bool lost = is_lost(s);
    /* Parameters first: whoever sees the audio, in another thread, finds them there. */
    push_curves(s, frames, lost);
    push_audio(s, in, in_stride, frames, lost);
    nt_count(&s->host_blocks, 1);
    nt_count(&s->host_frames, frames);
    nt_count(&s->lost_frames, lost ? frames : 0);
    return NT_OK;
}
