/* nt_schedule: how long the output must wait so that it never starves, and which rate and block of a model cost least.
 *
 * f_model / f_host = L / M in lowest terms, n the host block, m the model block, a and b the frames that the two
 * resamplers look ahead (nt_resampler_lookahead). After k host blocks
 *
 *   A(k) = max(0, ceil((k n - a) L / M))        frames at the model's rate
 *   B(k) = floor(A(k) / m)                      model blocks run
 *   O(k) = max(0, ceil((m B(k) - b) M / L))     frames back at the host's rate
 *   D    = max over k of (k n - O(k))           the delay
 *
 * The maximum needs no search. With y = (k n - a) L + M - 1 and r = y mod (M m), m B = (y - r) / M, hence
 *
 *   k n - O(k) = a + floor((r + (b - 1) M + 1) / L)
 *
 * which grows with r, and over k the values of r are those congruent to M - 1 - a L modulo g = gcd(n L, M m). The
 * largest is M m - g + ((M - 1 - a L) mod g). (The two max(0, .) only ever shorten the delay of the first blocks.)
 */
#ifndef NEUTONE_NT_SCHEDULE_H
#define NEUTONE_NT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_resampler.h"
#include "neutone/nt_status.h"

typedef struct nt_schedule_request {
    uint32_t host_rate;          /* Hz */
    uint32_t host_block;         /* frames, the largest if it varies */
    bool host_block_varies;      /* then every size up to host_block may come, in any order */
    nt_resampler_kind kind;
    uint32_t taps;               /* sinc only, counted at the lower of the two rates */
    const uint32_t *model_rates; /* Hz; NULL or none: the model takes any rate */
    uint32_t model_rate_count;
    const uint32_t *model_blocks; /* frames; NULL or none: the model takes any block */
    uint32_t model_block_count;
} nt_schedule_request;

/* It keeps the request that it was made from, so that everybody who has the schedule agrees on it. */
typedef struct nt_schedule {
    uint32_t host_rate;       /* Hz */
    uint32_t host_block;      /* frames, the largest if it varies */
    bool host_block_varies;
    nt_resampler_kind kind;
    uint32_t taps;            /* sinc only */
    uint32_t model_rate;      /* Hz */
    uint32_t model_block;     /* frames; 0 if the model takes whatever has arrived */
    uint32_t session_block;   /* frames: the largest block the session will see */
    uint32_t lookahead_in;    /* host frames, a above */
    uint32_t lookahead_out;   /* model frames, b above */
    uint32_t arrivals;        /* the most model frames that one host block can bring */
    uint32_t resampling;      /* host frames: the delay of a model that takes any block */
    uint32_t buffering;       /* host frames: what whole model blocks add to it */
    uint32_t delay;           /* host frames: resampling + buffering = D */
} nt_schedule;

/* [any-thread] The schedule of one model rate and one model block (0: any). */
nt_status nt_schedule_compute(nt_schedule *schedule, const nt_schedule_request *request, uint32_t model_rate,
                              uint32_t model_block);

/* [any-thread] The best of what the model supports: the host's own rate, else the nearest above (no band is lost),
 * else the nearest below; then the block with the least delay, the larger of equals (fewer calls). */
nt_status nt_schedule_choose(nt_schedule *schedule, const nt_schedule_request *request);

/* [any-thread] NT_OK for a schedule as nt_schedule_compute makes it, its error for what that refuses, and
 * NT_ERROR_ARGUMENT if the fields were changed afterwards so that they no longer agree. */
nt_status nt_schedule_check(const nt_schedule *schedule);

#endif
