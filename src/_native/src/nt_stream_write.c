/* From the host's block into the input ring. */
#include <string.h>

#include "nt_stream_internal.h"

/* Host-rate curves of every parameter into s->curves: given, or ramps to the set values. */
static nt_status gather_curves(nt_stream *s, const float *params, ptrdiff_t params_stride, uint32_t frames)
{
    uint32_t parameters = s->config.session.parameters, block = s->config.host_block;
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

static void resample_into(nt_resampler *resampler, nt_ring *ring, const float *from, ptrdiff_t stride, uint32_t frames)
{
    uint32_t done = 0;
    for (;;) {
        nt_span span = nt_ring_write_span(ring, UINT32_MAX);
        uint32_t used, generated;
        nt_resampler_process(resampler, from + done, stride, frames - done, span.first, span.stride, span.frames,
                             &used, &generated);
        nt_ring_commit(ring, generated);
        done += used;
        if (generated < span.frames || span.frames == 0)
            return;
    }
}

static void push_at_model_rate(nt_stream *s, nt_resampler *resampler, nt_ring *ring, const float *from,
                               ptrdiff_t stride, uint32_t frames)
{
    if (s->resamples)
        resample_into(resampler, ring, from, stride, frames);
    else
        nt_ring_push(ring, from, stride, frames);
}

static void push_audio(nt_stream *s, const float *in, ptrdiff_t in_stride, uint32_t frames)
{
    uint32_t host_channels = s->config.host_channels, in_channels = s->config.session.in_channels;
    ptrdiff_t block = (ptrdiff_t)s->config.host_block;
    for (uint32_t c = 0; c < host_channels; c++)
        s->stats.nonfinite_input +=
            s->kernels->sanitize(s->scratch + (ptrdiff_t)c * block, in + (ptrdiff_t)c * in_stride, frames);
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
            s->stats.nonfinite_input += s->kernels->sanitize(channel, channel, frames);
        }
    push_at_model_rate(s, s->resampler_in, s->ring_in, audio, block, frames);
}

nt_status nt_stream_write(nt_stream *s, const float *in, ptrdiff_t in_stride, const float *params,
                          ptrdiff_t params_stride, uint32_t frames)
{
    uint32_t block = s->config.host_block;
    if (frames > block || (!s->config.host_block_varies && frames != block))
        return NT_ERROR_FRAMES;
    if (frames == 0)
        return NT_OK;
    nt_status status = gather_curves(s, params, params_stride, frames);
    if (status != NT_OK)
        return status;
    push_audio(s, in, in_stride, frames);
    if (s->config.session.parameters)
        push_at_model_rate(s, s->resampler_params, s->ring_params, s->curves, (ptrdiff_t)block, frames);
    s->stats.host_blocks++;
    s->stats.host_frames += frames;
    return NT_OK;
}
