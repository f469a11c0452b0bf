/* The inner loops, compiled once for every instruction set that is worth it and chosen at run time by what the
 * processor has: one function table a variant, the same source (nt_kernels_body.h) behind each.
 *
 * Every loop computes an output sample by the same operations whatever its place in a batch: results do not depend on
 * how a signal is cut, only on the variant. */
#ifndef NT_KERNELS_H
#define NT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    NT_BATCH = 64,   /* outputs computed at a time; a multiple of NT_GROUP */
    NT_GROUP = 16,   /* outputs are computed in whole groups, of which a batch may need a part */
    NT_LANES = 8,    /* sinc rows are padded to a multiple of this */
    NT_OVERREAD = 48 /* samples before and behind those needed that a loop may read (and ignore) */
};

/* Where a batch of outputs reads its input: output j uses the samples from x + index[j], at phase[j] / L. Both arrays
 * hold NT_BATCH entries; those behind the count, up to a whole group, repeat the last one. */
typedef struct nt_positions {
    int32_t index[NT_BATCH];
    int32_t phase[NT_BATCH];
} nt_positions;

/* How far the positions of a batch lie behind its first: j M / L, divided once instead of for every batch. */
typedef struct nt_steps {
    int32_t index[NT_BATCH];
    int32_t phase[NT_BATCH];
    int32_t L;
} nt_steps;

typedef struct nt_kernels {
    const char *name;

    /* `count` outputs from position start + phase / L on. */
    void (*positions)(nt_positions *positions, const nt_steps *steps, uint32_t start, uint32_t phase, uint32_t count);

    /* Two- and four-point interpolation: sample 0 of the window is x[index]. */
    void (*linear)(const nt_positions *positions, uint32_t L, const float *x, float *y, uint32_t count);
    void (*hermite)(const nt_positions *positions, uint32_t L, const float *x, float *y, uint32_t count);

    /* y[j] of each channel = sum over t of row[j][t] * x[index[j] + t]; `taps` is a multiple of NT_LANES. rows and
     * index hold whole groups of 4. */
    void (*convolve)(const float *const *rows, const int32_t *index, uint32_t taps, const float *x,
                     ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t count);

    /* A group of outputs side by side, one a lane: lane l of each channel = sum over t of group[t * NT_GROUP + l] *
     * x[offset[l] + t], stored for the lanes first .. last - 1 at y[0] ... Every offset is below NT_GROUP + 12, `taps`
     * a multiple of 4; up to NT_OVERREAD samples beyond may be read. NULL: the variant has none. */
    void (*convolve_group)(const float *group, const int32_t *offset, uint32_t taps, const float *x,
                           ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t first,
                           uint32_t last);

    /* row = ((segment[3] u + segment[2]) u + segment[1]) u + segment[0], each segment a row of `taps`. */
    void (*interpolate_row)(float *row, const float *segment, uint32_t taps, float u);

    /* y = x with non-finite samples replaced by 0; returns how many. x == y is allowed. */
    uint32_t (*sanitize)(float *y, const float *x, uint32_t count);

    /* y = x clamped to 0..1; returns how many were NaN (those become 0). */
    uint32_t (*clamp_unit)(float *y, const float *x, uint32_t count);

    /* x *= a gain that goes in equal steps from `from` (excluded) to `to` (reached by the last sample). */
    void (*gain_ramp)(float *x, float from, float to, uint32_t count);

    /* y = wet * its ramp + dry * its ramp. */
    void (*mix_ramp)(float *y, const float *wet, float wet_from, float wet_to, const float *dry, float dry_from,
                     float dry_to, uint32_t count);

    /* y = the ramp itself. */
    void (*fill_ramp)(float *y, float from, float to, uint32_t count);

    /* y += x; y *= factor: the parts of a mean. */
    void (*accumulate)(float *y, const float *x, uint32_t count);
    void (*scale)(float *y, float factor, uint32_t count);
} nt_kernels;

/* [any-thread] The best variant for this processor, or the forced one. */
const nt_kernels *nt_kernels_select(void);

extern const nt_kernels nt_kernels_generic;
#ifdef NT_HAVE_KERNELS_AVX2
extern const nt_kernels nt_kernels_avx2;
#endif
#ifdef NT_HAVE_KERNELS_AVX512
extern const nt_kernels nt_kernels_avx512;
#endif

#endif
