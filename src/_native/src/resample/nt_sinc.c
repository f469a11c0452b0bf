#include "resample/nt_sinc.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "kernels/nt_kernels.h"

#define PI 3.14159265358979323846

enum {
    TABLE_LIMIT = 1 << 17,   /* floats (512 KiB): beyond it rows are interpolated */
    GROUPS_LIMIT = 1 << 15,  /* floats (128 KiB): beyond it one row a phase is kinder to the caches */
    LEAST_LANES = 12,
    GROUP_REACH = NT_GROUP + 12, /* offsets that convolve_group takes */
    SEGMENTS_PER_SAMPLE = 64 /* at the lower rate; the cubic's error, (pi / 64)^4 / 384 = -156 dB, is below a float's */
};

/* Window shape and cutoff were chosen by measuring 48 -> 44.1 -> 48 kHz (benchmarks/fidelity.py): the least beta that
 * keeps the signal-to-error ratio of every sine up to 17 kHz at 32 taps, 18 kHz at 64 and 20 kHz at 128 above 100, 120
 * and 130 dB (tests/engine/test_resampler_fidelity.py), linear in log2(taps) between. */
static double kaiser_beta(uint32_t taps)
{
    static const double beta[] = {5.0, 8.0, 11.0, 13.5, 15.0}; /* at 8, 16, 32, 64, 128 taps */
    double place = log2((double)taps) - 3.0;
    uint32_t below = place >= 4.0 ? 3 : (uint32_t)place;
    return beta[below] + (place - below) * (beta[below + 1] - beta[below]);
}

static double cutoff(uint32_t taps)
{
    return 1.0 - 0.16 / taps;
}

/* Modified Bessel function of the first kind, order 0 (Abramowitz & Stegun 9.6.12). */
static double bessel_i0(double x)
{
    double term = 1.0, sum = 1.0;
    for (int k = 1; term > 1e-18 * sum; k++) {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
    }
    return sum;
}

typedef struct prototype {
    double half_length, beta, cutoff, scale; /* scale: input frames to samples of the lower rate */
    uint32_t before, row;
} prototype;

static double evaluate(const prototype *p, double t)
{
    double place = t / p->half_length;
    if (place <= -1.0 || place >= 1.0)
        return 0.0;
    double angle = PI * p->cutoff * t;
    double sinc = fabs(angle) < 1e-9 ? 1.0 : sin(angle) / angle;
    return sinc * bessel_i0(p->beta * sqrt(1.0 - place * place));
}

/* The row of a position `fraction` of an input frame after a frame. Its sum is made 1: a constant passes unchanged at
 * every phase. */
static void design_row(const prototype *p, double fraction, double *row)
{
    double sum = 0.0;
    for (uint32_t t = 0; t < p->row; t++) {
        row[t] = evaluate(p, ((double)t - (double)p->before - fraction) * p->scale);
        sum += row[t];
    }
    for (uint32_t t = 0; t < p->row; t++)
        row[t] /= sum;
}

/* Cubic Hermite pieces (value and slope at both ends) in u = 0..1 over each segment. */
static void design_segments(const prototype *p, const nt_sinc *sinc, double *scratch)
{
    uint32_t row = p->row;
    double *value[2] = {scratch, scratch + row}, *slope[2] = {scratch + 2 * row, scratch + 3 * row};
    double *above = scratch + 4 * row, *below = scratch + 5 * row;
    const double width = 1.0 / sinc->segments, step = width / 64.0;
    for (uint32_t s = 0; s < sinc->segments; s++) {
        for (int end = 0; end < 2; end++) {
            double fraction = (s + end) * width;
            design_row(p, fraction, value[end]);
            design_row(p, fraction + step, above);
            design_row(p, fraction - step, below);
            for (uint32_t t = 0; t < row; t++)
                slope[end][t] = (above[t] - below[t]) / (2.0 * step) * width;
        }
        float *piece = sinc->rows + (size_t)s * 4 * row;
        for (uint32_t t = 0; t < row; t++) {
            double rise = value[1][t] - value[0][t];
            piece[t] = (float)value[0][t];
            piece[row + t] = (float)slope[0][t];
            piece[2 * row + t] = (float)(3.0 * rise - 2.0 * slope[0][t] - slope[1][t]);
            piece[3 * row + t] = (float)(slope[0][t] + slope[1][t] - 2.0 * rise);
        }
    }
}

static void design_phases(const prototype *p, const nt_sinc *sinc, uint32_t phases, double *scratch)
{
    for (uint32_t phase = 0; phase < phases; phase++) {
        design_row(p, (double)phase / phases, scratch);
        for (uint32_t t = 0; t < p->row; t++)
            sinc->rows[(size_t)phase * p->row + t] = (float)scratch[t];
    }
}

static void design_groups(const prototype *p, const nt_sinc *sinc, nt_ratio ratio, double *scratch)
{
    for (uint32_t g = 0; g < sinc->groups; g++) {
        uint64_t first = (uint64_t)g * sinc->lanes * ratio.M;
        sinc->spans[g] = (int32_t)((first % ratio.L + (uint64_t)sinc->lanes * ratio.M) / ratio.L);
        for (uint32_t lane = 0; lane < NT_GROUP; lane++) {
            uint32_t used = lane < sinc->lanes ? lane : sinc->lanes - 1;
            uint64_t place = first % ratio.L + (uint64_t)used * ratio.M;
            sinc->offsets[(size_t)g * NT_GROUP + lane] = (int32_t)(place / ratio.L);
            design_row(p, (double)(place % ratio.L) / ratio.L, scratch);
            for (uint32_t t = 0; t < p->row; t++)
                sinc->rows[((size_t)g * p->row + t) * NT_GROUP + lane] = (float)scratch[t];
        }
    }
}

/* Choose the number of lanes that makes the fewest groups, the larger number if several do: groups of `lanes` outputs
 * repeat after lcm(L, lanes) outputs. *sinc stays as it is if the table would be too large, or the windows too far
 * apart. */
static void choose_groups(nt_sinc *sinc, nt_ratio ratio, uint32_t row)
{
    uint32_t fewest = UINT32_MAX, lanes = 0;
    for (uint32_t candidate = NT_GROUP; candidate >= LEAST_LANES; candidate--) {
        uint32_t groups = ratio.L / (uint32_t)nt_gcd(ratio.L, candidate);
        uint64_t reach = ((uint64_t)(candidate - 1) * ratio.M + ratio.L - 1) / ratio.L;
        if (groups < fewest && reach <= GROUP_REACH) {
            fewest = groups;
            lanes = candidate;
        }
    }
    if (lanes && (uint64_t)fewest * row * NT_GROUP <= GROUPS_LIMIT) {
        sinc->layout = NT_SINC_GROUPS;
        sinc->lanes = lanes;
        sinc->groups = fewest;
    }
}

static uint32_t padded(uint32_t taps, uint32_t multiple)
{
    return (taps + multiple - 1) / multiple * multiple;
}

nt_status nt_sinc_design(nt_sinc *sinc, nt_ratio ratio, uint32_t taps, uint32_t lookahead, bool group_is_fast)
{
    prototype p = {
        .half_length = taps / 2.0,
        .beta = kaiser_beta(taps),
        .cutoff = cutoff(taps),
        .scale = ratio.L < ratio.M ? (double)ratio.L / ratio.M : 1.0,
    };
    *sinc = (nt_sinc){.layout = NT_SINC_ROWS, .row = padded(2 * lookahead, NT_LANES)};
    size_t floats = (size_t)sinc->row * ratio.L;
    if (group_is_fast)
        choose_groups(sinc, ratio, padded(2 * lookahead, 4));
    if (sinc->layout == NT_SINC_GROUPS) {
        sinc->row = padded(2 * lookahead, 4);
        floats = (size_t)sinc->groups * sinc->row * NT_GROUP;
    } else if (floats > TABLE_LIMIT) {
        sinc->layout = NT_SINC_SEGMENTS;
        sinc->segments = (uint32_t)ceil(SEGMENTS_PER_SAMPLE * p.scale);
        floats = (size_t)sinc->row * 4 * sinc->segments;
    }
    sinc->before = sinc->row - 1 - lookahead;
    p.row = sinc->row;
    p.before = sinc->before;

    sinc->rows = malloc(floats * sizeof(float));
    sinc->offsets = malloc((size_t)(sinc->groups + 1) * NT_GROUP * sizeof(int32_t));
    sinc->spans = malloc((size_t)(sinc->groups + 1) * sizeof(int32_t));
    double *scratch = malloc((size_t)p.row * 6 * sizeof(double));
    if (!sinc->rows || !sinc->offsets || !sinc->spans || !scratch) {
        free(scratch);
        nt_sinc_free(sinc);
        return NT_ERROR_MEMORY;
    }
    if (sinc->layout == NT_SINC_GROUPS)
        design_groups(&p, sinc, ratio, scratch);
    else if (sinc->layout == NT_SINC_SEGMENTS)
        design_segments(&p, sinc, scratch);
    else
        design_phases(&p, sinc, ratio.L, scratch);
    free(scratch);
    return NT_OK;
}

void nt_sinc_free(nt_sinc *sinc)
{
    free(sinc->rows);
    free(sinc->offsets);
    free(sinc->spans);
    *sinc = (nt_sinc){0};
}
