/* Driving a resampler in pieces: shared by the tests of its outputs and of its inner loops. */
#ifndef NEUTONE_TESTS_RESAMPLING_H
#define NEUTONE_TESTS_RESAMPLING_H

#include "check.h"
#include "neutone/nt_resampler.h"

enum {
    RANDOM_SIZE = 0,
    RANDOM_SIZE_MAX = 700,
    EVERYTHING = 1 << 30
};

typedef struct rate_pair {
    uint32_t in, out;
} rate_pair;

typedef struct quality {
    nt_resampler_kind kind;
    uint32_t taps;
} quality;

static const float BEYOND = 12345.0f; /* marks memory that must not be written */

static inline uint32_t piece(uint32_t size, uint32_t left)
{
    uint32_t frames = size == RANDOM_SIZE ? 1 + random_below(RANDOM_SIZE_MAX) : size;
    return frames < left ? frames : left;
}

static inline uint64_t outputs_after(rate_pair rates, uint64_t frames, uint64_t lookahead)
{
    uint64_t g = common_divisor(rates.in, rates.out), L = rates.out / g, M = rates.in / g;
    return frames <= lookahead ? 0 : ((frames - lookahead) * L + M - 1) / M;
}

static inline uint32_t lookahead_of(quality q, rate_pair rates)
{
    uint32_t frames = UINT32_MAX;
    CHECK_EQUAL(nt_resampler_lookahead(q.kind, q.taps, rates.in, rates.out, &frames), NT_OK);
    return frames;
}

static inline nt_resampler *new_resampler(quality q, rate_pair rates, uint32_t channels, uint32_t lookahead)
{
    nt_resampler_config config = {q.kind, q.taps, rates.in, rates.out, channels, lookahead};
    nt_resampler *resampler = NULL;
    CHECK_EQUAL(nt_resampler_create(&resampler, &config), NT_OK);
    CHECK(resampler != NULL);
    return resampler;
}

/* A signal through the resampler, `chunk` frames offered and `room` frames asked for at a time. out has rows
 * of capacity + 1 frames. Returns the outputs. */
static inline uint32_t resample(nt_resampler *resampler, const float *in, uint32_t frames, uint32_t chunk,
                                uint32_t room, float *out, uint32_t capacity)
{
    uint32_t done = 0, made = 0, used = 1, generated = 1;
    nt_resampler_reset(resampler);
    while (used || generated) {
        uint32_t offered = piece(chunk, frames - done), wanted = piece(room, capacity - made);
        out[made + wanted] = BEYOND;
        nt_span source = {(float *)in + done, (ptrdiff_t)frames, offered};
        nt_span target = {out + made, (ptrdiff_t)capacity + 1, wanted};
        nt_resampler_process(resampler, source, target, &used, &generated);
        CHECK(used <= offered && generated <= wanted);
        CHECK(used == offered || generated == wanted);
        CHECK_NEAR(out[made + wanted], BEYOND, 0.0);
        done += used;
        made += generated;
    }
    CHECK_EQUAL(done, frames);
    return made;
}

/* Enough input for a few thousand outputs, if that is not too much of either. */
static inline uint32_t frames_for(rate_pair rates, uint32_t lookahead, uint32_t outputs)
{
    uint64_t frames = (uint64_t)outputs * rates.in / rates.out;
    if (frames > 6 * (uint64_t)outputs)
        frames = 6 * (uint64_t)outputs;
    return lookahead + (frames < 40 ? 40 : (uint32_t)frames);
}

#endif
