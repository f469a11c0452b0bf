/* From the output ring back to the host's block. */
#include <string.h>

#include "stream/nt_stream_internal.h"

/* Put silence in place of the next gap. Returns whether ring_back had room for any of it. */
static bool bring_back_silence(nt_stream *s, nt_gap *gap)
{
    uint32_t chunk = s->config.schedule.arrivals;
    if (gap->frames < chunk)
        chunk = (uint32_t)gap->frames;
    uint32_t used, generated;
    if (s->resamples) {
        nt_span to = nt_ring_write_span(s->ring_back, UINT32_MAX);
        nt_resampler_process(s->resampler_out, nt_span_first(s->silence, chunk), to, &used, &generated);
        nt_ring_commit(s->ring_back, generated);
    } else {
        used = generated = nt_ring_push_silence(s->ring_back, chunk);
    }
    gap->frames -= used;
    return used > 0 || generated > 0;
}

static bool bring_back_audio(nt_stream *s, uint32_t frames)
{
    nt_span from = nt_ring_read_span(s->ring_out, frames);
    uint32_t used, generated;
    if (s->resamples) {
        nt_span to = nt_ring_write_span(s->ring_back, UINT32_MAX);
        nt_resampler_process(s->resampler_out, from, to, &used, &generated);
        nt_ring_commit(s->ring_back, generated);
    } else {
        used = generated = nt_ring_push(s->ring_back, from);
    }
    nt_ring_discard(s->ring_out, used);
    s->returned += used;
    return used > 0 || generated > 0;
}

static void forget_first_gap(nt_stream *s)
{
    s->gap_count--;
    memmove(s->gaps, s->gaps + 1, s->gap_count * sizeof *s->gaps);
}

/* Move all output of the model, and silence for every gap, to ring_back at the host's rate, as far as there is room. */
static void bring_back(nt_stream *s)
{
    for (;;) {
        uint32_t until_gap = UINT32_MAX;
        if (s->gap_count) {
            uint64_t distance = s->gaps[0].position - s->returned;
            if (distance == 0 && s->gaps[0].frames) {
                if (!bring_back_silence(s, &s->gaps[0]))
                    return;
                continue;
            }
            if (distance == 0) { /* all of it is back; if it is still growing, nothing lies behind it */
                if (s->in_gap && s->gap_count == 1)
                    return;
                forget_first_gap(s);
                continue;
            }
            if (distance < until_gap)
                until_gap = (uint32_t)distance;
        }
        if (!bring_back_audio(s, until_gap))
            return;
    }
}

/* Frames of a ring to rows of `to`, from frame `offset` of theirs on; as many as there are. */
static uint32_t pop_rows(nt_ring *ring, float *const *to, uint32_t offset, uint32_t frames)
{
    uint32_t done = 0;
    while (done < frames) {
        nt_span from = nt_ring_read_span(ring, frames - done);
        if (from.frames == 0)
            break;
        for (uint32_t c = 0; c < nt_ring_channels(ring); c++)
            memcpy(to[c] + offset + done, nt_span_row(from, c), from.frames * sizeof(float));
        nt_ring_discard(ring, from.frames);
        done += from.frames;
    }
    return done;
}

static void silence_rows(float *const *rows, uint32_t channels, uint32_t offset, uint32_t frames)
{
    for (uint32_t c = 0; c < channels; c++)
        memset(rows[c] + offset, 0, frames * sizeof(float));
}

/* Keep the last host_block frames that were heard in time. */
static void remember(nt_stream *s, float *const *from, uint32_t frames)
{
    uint32_t kept = s->recent.frames - frames;
    if (frames == 0)
        return;
    for (uint32_t c = 0; c < s->config.exchange.out_channels; c++) {
        float *row = nt_span_row(s->recent, c);
        memmove(row, row + frames, kept * sizeof(float));
        memcpy(row + kept, from[c], frames * sizeof(float));
    }
    s->repeat_position = 0;
    s->repeat_gain = 0.5f;
}

static void repeat(nt_stream *s, float *const *to, uint32_t offset, uint32_t frames)
{
    for (uint32_t i = offset; i < offset + frames; i++) {
        for (uint32_t c = 0; c < s->config.exchange.out_channels; c++)
            to[c][i] = s->repeat_gain * nt_span_row(s->recent, c)[s->repeat_position];
        if (++s->repeat_position == s->recent.frames) {
            s->repeat_position = 0;
            s->repeat_gain *= 0.5f;
        }
    }
}

/* `frames` of ring_back to `to`. What is late is replaced, and as much is dropped when it comes, so that the latency
 * stays what was reported. Returns how many were there. NT_LATE_DRY is left to the caller, who has the dry signal. */
static uint32_t pop_in_time(nt_stream *s, float *const *to, uint32_t frames)
{
    bring_back(s);
    while (s->late) {
        uint32_t wanted = s->late > UINT32_MAX ? UINT32_MAX : (uint32_t)s->late;
        uint32_t dropped = nt_ring_discard(s->ring_back, wanted);
        if (dropped == 0)
            break;
        s->late -= dropped;
        bring_back(s); /* the room that they took */
    }
    uint32_t there = pop_rows(s->ring_back, to, 0, frames);
    if (s->config.late == NT_LATE_REPEAT)
        remember(s, to, there);
    if (there == frames)
        return there;
    s->late += frames - there;
    nt_count(&s->starved_frames, frames - there);
    if (s->config.late == NT_LATE_REPEAT)
        repeat(s, to, there, frames - there);
    else
        silence_rows(to, s->config.exchange.out_channels, there, frames - there);
    return there;
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

/* Interpolation, sums and gains can overflow what was finite. */
static void sanitize_output(nt_stream *s, float *channel, uint32_t frames)
{
    nt_count(&s->nonfinite_output, s->kernels->sanitize(channel, channel, frames));
}

void nt_stream_add_fading(nt_stream *s, float *const *out, const float *const *fading, uint32_t channels,
                          uint32_t frames)
{
    for (uint32_t c = 0; c < channels; c++) {
        for (uint32_t i = 0; i < frames; i++) /* the gain first: it is at most 1, so the product cannot overflow */
            out[c][i] += fading[c][i] * ((float)(frames - 1 - i) / (float)frames);
        sanitize_output(s, out[c], frames);
    }
}

/* The model's output alone, if it has as many channels as the host. */
static void read_wet(nt_stream *s, float *const *out, uint32_t frames)
{
    uint32_t there = pop_in_time(s, out, frames);
    if (there == frames || s->config.late != NT_LATE_DRY) {
        nt_ring_discard(s->ring_dry, frames);
    } else {
        nt_ring_discard(s->ring_dry, there);
        pop_rows(s->ring_dry, out, there, frames - there);
    }
}

/* The model's output, mapped to the host's channels and mixed with the dry signal. */
static void read_mix(nt_stream *s, float *const *out, uint32_t frames, ramp wet, ramp dry)
{
    uint32_t host_channels = s->config.host_channels, out_channels = s->config.exchange.out_channels;
    uint32_t there = pop_in_time(s, s->scratch_rows, frames);
    nt_span back = nt_span_first(s->scratch, frames);
    if (host_channels != out_channels) {
        nt_span mapped = nt_span_first(s->mapped, frames);
        nt_map_channels(s->kernels, back, out_channels, mapped, host_channels);
        back = mapped;
    }
    /* Less than a block is there if nothing was written before: when another stream takes over from this one. */
    uint32_t dry_there = pop_rows(s->ring_dry, out, 0, frames);
    silence_rows(out, host_channels, dry_there, frames - dry_there);
    if (s->config.late == NT_LATE_DRY)
        for (uint32_t c = 0; c < host_channels; c++)
            memcpy(nt_span_row(back, c) + there, out[c] + there, (frames - there) * sizeof(float));
    for (uint32_t c = 0; c < host_channels; c++)
        s->kernels->mix_ramp(out[c], nt_span_row(back, c), wet.from, wet.to, out[c], dry.from, dry.to, frames);
}

void nt_stream_read(nt_stream *s, float *const *out, uint32_t frames)
{
    if (frames == 0)
        return;
    uint32_t host_channels = s->config.host_channels, out_channels = s->config.exchange.out_channels;
    ramp wet = next_ramp(s, NT_WET), dry = next_ramp(s, NT_DRY), gain = next_ramp(s, NT_OUTPUT_GAIN);
    s->started = true;
    bool wet_only = is_constant(wet, 1.0f) && is_constant(dry, 0.0f);
    if (host_channels == out_channels && wet_only)
        read_wet(s, out, frames);
    else
        read_mix(s, out, frames, wet, dry);
    if (!is_constant(gain, 1.0f))
        for (uint32_t c = 0; c < host_channels; c++)
            s->kernels->gain_ramp(out[c], gain.from, gain.to, frames);
    if (s->resamples || host_channels < out_channels || !wet_only || !is_constant(gain, 1.0f))
        for (uint32_t c = 0; c < host_channels; c++)
            sanitize_output(s, out[c], frames);
}
