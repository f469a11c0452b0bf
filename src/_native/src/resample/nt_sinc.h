/* The coefficients of the windowed-sinc resampler.
 *
 * Time is counted in samples of the lower of the two rates. The prototype is sinc(cutoff t) under a Kaiser window of
 * half-length taps / 2 (Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974). A row
 * holds the coefficients of one phase: tap t weighs the input frame `t - before` places after the position.
 */
#ifndef NT_SINC_H
#define NT_SINC_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_status.h"
#include "resample/nt_ratio.h"

typedef enum nt_sinc_layout {
    NT_SINC_ROWS,     /* one row for each of the L phases */
    NT_SINC_SEGMENTS, /* cubic pieces over the phase: segments x 4 rows of coefficients, constant first */
    NT_SINC_GROUPS    /* `lanes` consecutive outputs side by side: groups x row x NT_GROUP, lane by lane */
} nt_sinc_layout;

typedef struct nt_sinc {
    nt_sinc_layout layout;
    uint32_t row;      /* taps a row: 2 * lookahead, padded at the old end as the inner loops want it */
    uint32_t before;   /* input frames that a row reaches back, row - 1 - lookahead */
    uint32_t segments; /* NT_SINC_SEGMENTS */
    uint32_t lanes;    /* NT_SINC_GROUPS: outputs a group */
    uint32_t groups;   /* until the phases repeat */
    int32_t *offsets;  /* groups x NT_GROUP: where each lane's window begins, behind the first lane's */
    int32_t *spans;    /* groups: how far the next group's first window lies behind this one's */
    float *rows;
} nt_sinc;

/* [main-thread] Fills *sinc; the caller frees it by nt_sinc_free. `group_is_fast`: the inner loops have
 * convolve_group. */
nt_status nt_sinc_design(nt_sinc *sinc, nt_ratio ratio, uint32_t taps, uint32_t lookahead, bool group_is_fast);

/* [main-thread] */
void nt_sinc_free(nt_sinc *sinc);

#endif
