/* The coefficients of the windowed-sinc resampler.
 *
 * Time is counted in samples of the lower of the two rates. The prototype is sinc(cutoff t) under a Kaiser window of
 * half-length taps / 2 (Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974). A row
 * holds the coefficients of one phase: tap t weighs the input frame `t - before` places after the position.
 */
#ifndef NT_SINC_H
#define NT_SINC_H

#include <stdint.h>

#include "neutone/nt_status.h"
#include "nt_ratio.h"

typedef struct nt_sinc {
    uint32_t row;      /* floats a row: 2 * lookahead, padded at the old end to a multiple of NT_LANES */
    uint32_t before;   /* input frames that a row reaches back, row - 1 - lookahead */
    uint32_t segments; /* 0: `rows` holds one row for each of the L phases; else cubic pieces over as many segments */
    float *rows;       /* L rows, or segments x 4 rows of polynomial coefficients, constant first */
} nt_sinc;

/* [main-thread] Fills *sinc; the caller frees it by nt_sinc_free. */
nt_status nt_sinc_design(nt_sinc *sinc, nt_ratio ratio, uint32_t taps, uint32_t lookahead);

/* [main-thread] */
void nt_sinc_free(nt_sinc *sinc);

#endif
