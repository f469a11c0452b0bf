/* From the output ring back to the host's block. */
#include <string.h>

#include "nt_stream_internal.h"

/* Everything that the model has answered, at the host's rate, into ring_back. */
static void bring_back(nt_stream *s)
{
    for (;;) {
        nt_span from = nt_ring_read_span(s->ring_out, UINT32_MAX);
        if (!s->resamples) {
            uint32_t moved = nt_ring_push(s->ring_back, from.first, from.stride, from.frames);
            nt_ring_discard(s->ring_out, moved);
            if (moved == 0)
                return;
            continue;
        }
        nt_span to = nt_ring_write_span(s->ring_back, UINT32_MAX);
        uint32_t used, generated;
        nt_resampler_process(s->resampler_out, from.first, from.stride, from.frames, to.first, to.stride, to.frames,
                             &used, &generated);
        nt_ring_discard(s->ring_out, used);
        nt_ring_commit(s->ring_back, generated);
        if (used == 0 && generated == 0)
            return;
    }
}

/* `frames` of ring_back to `to`: what is late becomes silence, and as much is dropped when it comes, so that the
 * latency stays what was reported. */
static void pop_in_time(nt_stream *s, float *to, ptrdiff_t stride, uint32_t frames)
{
    if (s->late) {
        uint32_t wanted = s->late > UINT32_MAX ? UINT32_MAX : (uint32_t)s->late;
        s->late -= nt_ring_discard(s->ring_back, wanted);
    }
    uint32_t there = nt_ring_pop(s->ring_back, to, stride, frames);
    if (there < frames) {
        for (uint32_t c = 0; c < s->config.session.out_channels; c++)
            memset(to + (ptrdiff_t)c * stride + there, 0, (frames - there) * sizeof(float));
        s->late += frames - there;
        s->stats.starved_frames += frames - there;
    }
}

typedef struct ramp {
    float from, to;
} ramp;

static ramp next_ramp(nt_stream *s, nt_level level)
{
    float to = atomic_load_explicit(&s->level_targets[level], memory_order_relaxed);
    ramp made = {s->started ? s->levels[level] : to, to};
    s->levels[level] = to;
    return made;
}

static bool is_constant(ramp r, float value)
{
    return r.from == value && r.to == value;
}

void nt_stream_read(nt_stream *s, float *out, ptrdiff_t out_stride, uint32_t frames)
{
    if (frames == 0)
        return;
    uint32_t host_channels = s->config.host_channels, out_channels = s->config.session.out_channels;
    ptrdiff_t block = (ptrdiff_t)s->config.host_block;
    bring_back(s);

    ramp wet = next_ramp(s, NT_WET), dry = next_ramp(s, NT_DRY), gain = next_ramp(s, NT_OUTPUT_GAIN);
    s->started = true;
    bool wet_only = is_constant(wet, 1.0f) && is_constant(dry, 0.0f);
    if (host_channels == out_channels && wet_only) {
        pop_in_time(s, out, out_stride, frames);
        nt_ring_discard(s->ring_dry, frames);
    } else {
        pop_in_time(s, s->scratch, block, frames);
        const float *back = s->scratch;
        if (host_channels != out_channels) {
            nt_map_channels(s->kernels, s->scratch, block, out_channels, s->mapped, block, host_channels, frames);
            back = s->mapped;
        }
        nt_ring_pop(s->ring_dry, out, out_stride, frames);
        for (uint32_t c = 0; c < host_channels; c++) {
            float *to = out + (ptrdiff_t)c * out_stride;
            s->kernels->mix_ramp(to, back + (ptrdiff_t)c * block, wet.from, wet.to, to, dry.from, dry.to, frames);
        }
    }
    if (!is_constant(gain, 1.0f))
        for (uint32_t c = 0; c < host_channels; c++)
            s->kernels->gain_ramp(out + (ptrdiff_t)c * out_stride, gain.from, gain.to, frames);
    /* Interpolation, sums and gains can overflow what was finite. */
    if (s->resamples || host_channels < out_channels || !wet_only || !is_constant(gain, 1.0f))
        for (uint32_t c = 0; c < host_channels; c++) {
            float *channel = out + (ptrdiff_t)c * out_stride;
            s->stats.nonfinite_output += s->kernels->sanitize(channel, channel, frames);
        }
}
