#include "neutone/nt_resampler.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/nt_kernels.h"
#include "resample/nt_ratio.h"
#include "resample/nt_sinc.h"

enum { CHUNK = 1024 }; /* input frames that the history takes before it is moved to the front */

struct nt_resampler {
    nt_resampler_config config;
    const nt_kernels *kernels;
    nt_ratio ratio;
    nt_steps steps;
    nt_sinc sinc;

    /* The window of the next output is history[start .. start + window), its position `phase` / L of a frame after
     * frame `start + before`; history[0 .. fill) is there. `start` may lie beyond `fill` when going down steeply. */
    float *memory;  /* channels rows of NT_OVERREAD + capacity + NT_OVERREAD */
    float *history; /* the first row behind its margin */
    uint32_t capacity, window, before;
    uint32_t start, phase, fill;
    uint32_t turn; /* NT_SINC_GROUPS: outputs so far, modulo groups x lanes */

    float *interpolated; /* 4 rows made by interpolate_row */
};

static size_t row_length(const nt_resampler *r)
{
    return (size_t)r->capacity + 2 * NT_OVERREAD;
}

static bool is_rate(uint32_t rate)
{
    return rate >= NT_RATE_MIN && rate <= NT_RATE_MAX;
}

nt_status nt_resampler_lookahead(nt_resampler_kind kind, uint32_t taps, uint32_t rate_in, uint32_t rate_out,
                                 uint32_t *frames)
{
    if (!frames)
        return NT_ERROR_ARGUMENT;
    if (!is_rate(rate_in) || !is_rate(rate_out))
        return NT_ERROR_RATE;
    if (kind != NT_LINEAR && kind != NT_HERMITE && kind != NT_SINC)
        return NT_ERROR_KIND;
    if (kind == NT_SINC && (taps < NT_TAPS_MIN || taps > NT_TAPS_MAX || taps % 2))
        return NT_ERROR_TAPS;
    nt_ratio ratio = nt_ratio_of(rate_in, rate_out);
    if (ratio.L == ratio.M)
        *frames = 0;
    else if (kind == NT_LINEAR)
        *frames = 1;
    else if (kind == NT_HERMITE)
        *frames = 2;
    else if (ratio.L > ratio.M)
        *frames = taps / 2;
    else
        *frames = (uint32_t)(((uint64_t)(taps / 2) * ratio.M + ratio.L - 1) / ratio.L);
    return NT_OK;
}

static nt_steps steps_of(nt_ratio ratio)
{
    nt_steps steps = {.L = (int32_t)ratio.L};
    for (uint32_t j = 0; j < NT_BATCH; j++) {
        steps.index[j] = (int32_t)(j * ratio.M / ratio.L);
        steps.phase[j] = (int32_t)(j * ratio.M % ratio.L);
    }
    return steps;
}

nt_status nt_resampler_create(nt_resampler **resampler, const nt_resampler_config *config)
{
    if (!resampler || !config)
        return NT_ERROR_ARGUMENT;
    *resampler = NULL;
    uint32_t needed = 0;
    nt_status status = nt_resampler_lookahead(config->kind, config->taps, config->rate_in, config->rate_out, &needed);
    if (status != NT_OK)
        return status;
    if (config->channels == 0 || config->channels > NT_CHANNELS_MAX)
        return NT_ERROR_CHANNELS;
    if (config->lookahead > NT_LOOKAHEAD_MAX)
        return NT_ERROR_ARGUMENT;
    nt_resampler *made = calloc(1, sizeof *made);
    if (!made)
        return NT_ERROR_MEMORY;
    made->config = *config;
    made->kernels = nt_kernels_select();
    made->ratio = nt_ratio_of(config->rate_in, config->rate_out);
    made->steps = steps_of(made->ratio);
    uint32_t lookahead = config->lookahead > needed ? config->lookahead : needed;
    made->config.lookahead = lookahead;
    if (made->ratio.L == made->ratio.M)
        made->config.kind = NT_LINEAR; /* at phase 0 only: a copy, late by a lookahead that was asked for */
    if (made->config.kind == NT_SINC) {
        status = nt_sinc_design(&made->sinc, made->ratio, config->taps, needed, made->kernels->convolve_group);
        made->before = made->sinc.before;
    } else {
        made->before = made->config.kind == NT_HERMITE ? 1 : 0;
    }
    made->window = made->before + 1 + lookahead;
    made->capacity = made->window + CHUNK;
    if (status == NT_OK) {
        made->memory = malloc(config->channels * row_length(made) * sizeof(float));
        made->interpolated = malloc((size_t)4 * (made->sinc.row + 1) * sizeof(float));
        if (!made->memory || !made->interpolated)
            status = NT_ERROR_MEMORY;
        else
            made->history = made->memory + NT_OVERREAD;
    }
    if (status != NT_OK) {
        nt_resampler_destroy(made);
        return status;
    }
    nt_resampler_reset(made);
    *resampler = made;
    return NT_OK;
}

void nt_resampler_destroy(nt_resampler *resampler)
{
    if (!resampler)
        return;
    nt_sinc_free(&resampler->sinc);
    free(resampler->memory);
    free(resampler->interpolated);
    free(resampler);
}

void nt_resampler_reset(nt_resampler *r)
{
    memset(r->memory, 0, r->config.channels * row_length(r) * sizeof(float));
    r->start = 0;
    r->phase = 0;
    r->fill = r->before;
    r->turn = 0;
}

/* Outputs whose whole window is in the history. */
static uint64_t available(const nt_resampler *r)
{
    if (r->start + r->window > r->fill)
        return 0;
    uint64_t whole = r->fill - r->window - r->start + 1;
    return (whole * r->ratio.L - r->phase + r->ratio.M - 1) / r->ratio.M;
}

static void drop_used_history(nt_resampler *r)
{
    uint32_t dropped = r->start < r->fill ? r->start : r->fill;
    uint32_t kept = r->fill - dropped;
    for (uint32_t c = 0; c < r->config.channels; c++) {
        float *history = r->history + c * row_length(r);
        memmove(history, history + dropped, kept * sizeof(float));
    }
    r->start -= dropped;
    r->fill = kept;
}

static uint32_t take(nt_resampler *r, nt_span in)
{
    uint32_t frames = in.frames;
    if (frames > r->capacity - r->fill && r->start > 0)
        drop_used_history(r);
    if (frames > r->capacity - r->fill)
        frames = r->capacity - r->fill;
    for (uint32_t c = 0; c < r->config.channels && frames; c++)
        memcpy(r->history + c * row_length(r) + r->fill, nt_span_row(in, c), frames * sizeof(float));
    r->fill += frames;
    return frames;
}

static void convolve_batch(const nt_resampler *r, const nt_positions *at, nt_span out)
{
    uint32_t count = out.frames;
    const float *rows[NT_BATCH];
    const nt_sinc *sinc = &r->sinc;
    if (sinc->layout == NT_SINC_ROWS) {
        for (uint32_t j = 0; j < (count + 3) / 4 * 4; j++)
            rows[j] = sinc->rows + (size_t)at->phase[j] * sinc->row;
        r->kernels->convolve(rows, at->index, sinc->row, r->history, (ptrdiff_t)row_length(r), out.first,
                             out.stride, r->config.channels, count);
        return;
    }
    for (uint32_t j = 0; j < count; j += 4) {
        for (uint32_t k = 0; k < 4; k++) {
            uint64_t place = (uint64_t)at->phase[j + k] * sinc->segments;
            const float *segment = sinc->rows + (size_t)(place / r->ratio.L) * 4 * sinc->row;
            float *row = r->interpolated + (size_t)k * sinc->row;
            r->kernels->interpolate_row(row, segment, sinc->row, (float)(place % r->ratio.L) / (float)r->ratio.L);
            rows[k] = row;
        }
        uint32_t left = count - j < 4 ? count - j : 4;
        r->kernels->convolve(rows, at->index + j, sinc->row, r->history, (ptrdiff_t)row_length(r), out.first + j,
                             out.stride, r->config.channels, left);
    }
}

static void advance(nt_resampler *r, uint32_t outputs)
{
    uint64_t travelled = r->phase + (uint64_t)outputs * r->ratio.M;
    r->start += (uint32_t)(travelled / r->ratio.L);
    r->phase = (uint32_t)(travelled % r->ratio.L);
}

/* Groups lie fixed on the output's time, so that they repeat: one that the last call left unfinished is computed again,
 * and the lanes that were missing are stored. Its first lane's window may have left the history: hence the margin. */
static void generate_groups(nt_resampler *r, nt_span out)
{
    const nt_sinc *sinc = &r->sinc;
    uint32_t group = r->turn / sinc->lanes, first = r->turn % sinc->lanes, done = 0, count = out.frames;
    const float *x = r->history + (ptrdiff_t)r->start - sinc->offsets[(size_t)group * NT_GROUP + first];
    while (done < count) {
        uint32_t last = sinc->lanes - first < count - done ? sinc->lanes : first + count - done;
        r->kernels->convolve_group(sinc->rows + (size_t)group * sinc->row * NT_GROUP,
                                   sinc->offsets + (size_t)group * NT_GROUP, sinc->row, x, (ptrdiff_t)row_length(r),
                                   out.first + done, out.stride, r->config.channels, first, last);
        done += last - first;
        first = 0;
        x += sinc->spans[group];
        if (++group == sinc->groups)
            group = 0;
    }
    r->turn = (uint32_t)((r->turn + (uint64_t)count) % (sinc->groups * sinc->lanes));
    advance(r, count);
}

static void generate_batches(nt_resampler *r, nt_span out)
{
    nt_positions at;
    void (*interpolate)(const nt_positions *, uint32_t, const float *, float *, uint32_t) =
        r->config.kind == NT_LINEAR ? r->kernels->linear : r->kernels->hermite;
    while (out.frames) {
        uint32_t batch = out.frames < NT_BATCH ? out.frames : NT_BATCH;
        r->kernels->positions(&at, &r->steps, r->start, r->phase, batch);
        if (r->config.kind == NT_SINC)
            convolve_batch(r, &at, nt_span_first(out, batch));
        else
            for (uint32_t c = 0; c < r->config.channels; c++)
                interpolate(&at, r->ratio.L, r->history + c * row_length(r), nt_span_row(out, c), batch);
        advance(r, batch);
        out = nt_span_behind(out, batch);
    }
}

static void generate(nt_resampler *r, nt_span out)
{
    if (r->config.kind == NT_SINC && r->sinc.layout == NT_SINC_GROUPS)
        generate_groups(r, out);
    else
        generate_batches(r, out);
}

static uint32_t pass_through(const nt_resampler *r, nt_span in, nt_span out)
{
    uint32_t frames = in.frames < out.frames ? in.frames : out.frames;
    for (uint32_t c = 0; c < r->config.channels && frames; c++)
        memcpy(nt_span_row(out, c), nt_span_row(in, c), frames * sizeof(float));
    return frames;
}

void nt_resampler_process(nt_resampler *r, nt_span in, nt_span out, uint32_t *used, uint32_t *generated)
{
    if (r->ratio.L == r->ratio.M && r->config.lookahead == 0) {
        *used = *generated = pass_through(r, in, out);
        return;
    }
    *used = *generated = 0;
    for (;;) {
        uint32_t taken = take(r, in);
        uint64_t there = available(r);
        uint32_t count = there < out.frames ? (uint32_t)there : out.frames;
        generate(r, nt_span_first(out, count));
        in = nt_span_behind(in, taken);
        out = nt_span_behind(out, count);
        *used += taken;
        *generated += count;
        if (taken == 0 && count == 0)
            return;
    }
}
