/* The definition in nt_schedule.h, followed block by block: A(k), B(k), O(k), nothing clever. */
#ifndef NEUTONE_TESTS_BRUTE_FORCE_H
#define NEUTONE_TESTS_BRUTE_FORCE_H

#include <stdint.h>

#include "check.h"
#include "neutone/nt_schedule.h"

typedef struct conversion {
    int64_t L, M; /* model rate / host rate in lowest terms */
    int64_t a, b; /* frames that the two resamplers look ahead */
    int64_t m;    /* model block; 1 if the model takes any */
} conversion;

/* The look-ahead as documented in nt_resampler.h. */
static inline int64_t documented_lookahead(nt_resampler_kind kind, uint32_t taps, int64_t rate_in,
                                           int64_t rate_out)
{
    if (rate_in == rate_out)
        return 0;
    if (kind != NT_SINC)
        return kind == NT_LINEAR ? 1 : 2;
    int64_t half = taps / 2;
    return rate_in <= rate_out ? half : (half * rate_in + rate_out - 1) / rate_out;
}

static inline conversion new_conversion(nt_resampler_kind kind, uint32_t taps, uint32_t host_rate,
                                        uint32_t model_rate, uint32_t model_block)
{
    int64_t g = (int64_t)common_divisor(host_rate, model_rate);
    return (conversion){
        model_rate / g, host_rate / g, documented_lookahead(kind, taps, host_rate, model_rate),
        documented_lookahead(kind, taps, model_rate, host_rate), model_block ? model_block : 1};
}

static inline int64_t ceiling_or_zero(int64_t numerator, int64_t denominator)
{
    return numerator <= 0 ? 0 : (numerator + denominator - 1) / denominator;
}

/* After `frames` host frames: frames at the model's rate, and frames that have come back. */
static inline int64_t arrived_after(const conversion *c, int64_t frames)
{
    return ceiling_or_zero((frames - c->a) * c->L, c->M);
}

static inline int64_t returned_after(const conversion *c, int64_t frames)
{
    int64_t run = arrived_after(c, frames) / c->m * c->m;
    return ceiling_or_zero((run - c->b) * c->M, c->L);
}

/* Host blocks of n frames after which everything repeats. */
static inline int64_t period_of(const conversion *c, int64_t n)
{
    return c->M * c->m / (int64_t)common_divisor((uint64_t)(n * c->L), (uint64_t)(c->M * c->m));
}

/* Host blocks until the first frames have come back. */
static inline int64_t start_of(const conversion *c, int64_t n)
{
    return (c->a + (c->b + c->m) * c->M / c->L) / n + 2;
}

#endif
