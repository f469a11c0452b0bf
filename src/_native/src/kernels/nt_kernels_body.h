/* The source of every kernel variant: included by nt_kernels_<variant>.c, which names the table, and compiled with that
 * variant's flags; the sinc's loops are in nt_kernels_convolve.h. Plain C that compilers vectorise, and intrinsics for
 * what they do not. Floating-point contraction is off (the build says so); a fused multiply-add is written as one. */
#include <math.h>
#include <string.h>

#include "kernels/nt_kernels.h"

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__FMA__) || defined(__AVX2__) || defined(__aarch64__) || defined(_M_ARM64)
#define MULTIPLY_ADD(a, b, c) fmaf(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

static uint32_t whole_groups(uint32_t count)
{
    return (count + NT_GROUP - 1) / NT_GROUP * NT_GROUP;
}

static void positions(nt_positions *restrict to, const nt_steps *restrict steps, uint32_t start, uint32_t phase,
                      uint32_t count)
{
    const int32_t L = steps->L, first_index = (int32_t)start, first_phase = (int32_t)phase;
    for (uint32_t j = 0; j < count; j++) {
        int32_t p = first_phase + steps->phase[j];
        int32_t carry = p >= L;
        to->phase[j] = p - (carry ? L : 0);
        to->index[j] = first_index + steps->index[j] + carry;
    }
    for (uint32_t j = count; j < whole_groups(count); j++) {
        to->phase[j] = to->phase[count - 1];
        to->index[j] = to->index[count - 1];
    }
}

#if defined(__AVX512F__)
/* The samples x[index[lane] + t] of 16 lanes: two registers and a permutation while the positions lie close together,
 * a gather otherwise. */
typedef struct window16 {
    __m512i offset;
    __m512 low, high;
    const float *x;
    int close;
} window16;

static inline window16 open_window(const float *x, const int32_t *index)
{
    window16 w;
    w.close = index[NT_GROUP - 1] - index[0] + 3 < 32;
    w.x = w.close ? x + index[0] : x;
    w.offset = _mm512_loadu_si512(index);
    if (w.close) {
        w.offset = _mm512_sub_epi32(w.offset, _mm512_set1_epi32(index[0]));
        w.low = _mm512_loadu_ps(w.x);
        w.high = _mm512_loadu_ps(w.x + 16);
    } else {
        w.low = w.high = _mm512_setzero_ps();
    }
    return w;
}

static inline __m512 look(const window16 *w, int t)
{
    __m512i at = _mm512_add_epi32(w->offset, _mm512_set1_epi32(t));
    return w->close ? _mm512_permutex2var_ps(w->low, at, w->high) : _mm512_i32gather_ps(at, w->x, 4);
}

static inline __m512 fractions(const int32_t *phase, float scale)
{
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(phase)), _mm512_set1_ps(scale));
}

static inline void linear16(const float *x, const int32_t *index, const int32_t *phase, float scale, float *y)
{
    window16 w = open_window(x, index);
    __m512 x0 = look(&w, 0), x1 = look(&w, 1);
    _mm512_storeu_ps(y, _mm512_fmadd_ps(_mm512_sub_ps(x1, x0), fractions(phase, scale), x0));
}

static inline void hermite16(const float *x, const int32_t *index, const int32_t *phase, float scale, float *y)
{
    window16 w = open_window(x, index);
    __m512 x0 = look(&w, 0), x1 = look(&w, 1), x2 = look(&w, 2), x3 = look(&w, 3), f = fractions(phase, scale);
    __m512 half = _mm512_set1_ps(0.5f);
    __m512 c1 = _mm512_mul_ps(half, _mm512_sub_ps(x2, x0));
    __m512 c3 = _mm512_mul_ps(_mm512_set1_ps(1.5f), _mm512_sub_ps(x1, x2));
    c3 = _mm512_fmadd_ps(half, _mm512_sub_ps(x3, x0), c3);
    __m512 c2 = _mm512_sub_ps(_mm512_sub_ps(_mm512_sub_ps(x2, x1), c1), c3);
    __m512 y16 = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_fmadd_ps(c3, f, c2), f, c1), f, x1);
    _mm512_storeu_ps(y, y16);
}

/* `made` is a whole number of groups: every sample comes from the same instructions, and the caller cuts. */
static inline void linear_groups(const nt_positions *at, const float *x, float scale, float *made, uint32_t count)
{
    for (uint32_t j = 0; j < count; j += NT_GROUP)
        linear16(x, at->index + j, at->phase + j, scale, made + j);
}

static inline void hermite_groups(const nt_positions *at, const float *x, float scale, float *made, uint32_t count)
{
    for (uint32_t j = 0; j < count; j += NT_GROUP)
        hermite16(x, at->index + j, at->phase + j, scale, made + j);
}
#else
static inline void linear_groups(const nt_positions *restrict at, const float *restrict x, float scale,
                                 float *restrict made, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        const float *w = x + at->index[j];
        made[j] = MULTIPLY_ADD(w[1] - w[0], (float)at->phase[j] * scale, w[0]);
    }
}

static inline void hermite_groups(const nt_positions *restrict at, const float *restrict x, float scale,
                                  float *restrict made, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        const float *w = x + at->index[j];
        float f = (float)at->phase[j] * scale;
        float c1 = 0.5f * (w[2] - w[0]);
        float c3 = MULTIPLY_ADD(0.5f, w[3] - w[0], 1.5f * (w[1] - w[2]));
        float c2 = w[2] - w[1] - c1 - c3;
        made[j] = MULTIPLY_ADD(MULTIPLY_ADD(MULTIPLY_ADD(c3, f, c2), f, c1), f, w[1]);
    }
}
#endif

/* The common case with a length that the compiler knows. */
static inline void copy_made(float *y, const float *made, uint32_t count)
{
    if (count == NT_BATCH)
        memcpy(y, made, NT_BATCH * sizeof(float));
    else
        memcpy(y, made, count * sizeof(float));
}

static void linear(const nt_positions *at, uint32_t L, const float *x, float *y, uint32_t count)
{
    float made[NT_BATCH];
    linear_groups(at, x, 1.0f / (float)L, made, whole_groups(count));
    copy_made(y, made, count);
}

static void hermite(const nt_positions *at, uint32_t L, const float *x, float *y, uint32_t count)
{
    float made[NT_BATCH];
    hermite_groups(at, x, 1.0f / (float)L, made, whole_groups(count));
    copy_made(y, made, count);
}

#include "kernels/nt_kernels_convolve.h"

static void interpolate_row(float *row, const float *segment, uint32_t taps, float u)
{
    const float *c0 = segment, *c1 = c0 + taps, *c2 = c1 + taps, *c3 = c2 + taps;
    for (uint32_t t = 0; t < taps; t++)
        row[t] = MULTIPLY_ADD(MULTIPLY_ADD(MULTIPLY_ADD(c3[t], u, c2[t]), u, c1[t]), u, c0[t]);
}

/* The exponent bits of a float are all ones for infinities and NaN only (IEEE 754). Bits, not comparisons: they hold
 * under any floating-point option of a compiler. */
static uint32_t sanitize(float *y, const float *x, uint32_t count)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint32_t broken = (bits & 0x7f800000u) == 0x7f800000u;
        bits = broken ? 0u : bits;
        bad += broken;
        memcpy(y + i, &bits, sizeof bits);
    }
    return bad;
}

static uint32_t clamp_unit(float *y, const float *x, uint32_t count)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        float value = x[i];
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad += (bits & 0x7fffffffu) > 0x7f800000u;
        value = value > 0.0f ? value : 0.0f; /* a NaN fails the comparison */
        y[i] = value < 1.0f ? value : 1.0f;
    }
    return bad;
}

static void fill_ramp(float *y, float from, float to, uint32_t count)
{
    float step = (to - from) / (float)count;
    for (uint32_t i = 0; i < count; i++)
        y[i] = MULTIPLY_ADD((float)(int32_t)(i + 1), step, from);
    if (count)
        y[count - 1] = to;
}

static void gain_ramp(float *x, float from, float to, uint32_t count)
{
    float step = (to - from) / (float)(count ? count : 1);
    for (uint32_t i = 0; i < count; i++)
        x[i] *= MULTIPLY_ADD((float)(int32_t)(i + 1), step, from);
}

static void mix_ramp(float *y, const float *wet, float wet_from, float wet_to, const float *dry, float dry_from,
                     float dry_to, uint32_t count)
{
    float wet_step = (wet_to - wet_from) / (float)(count ? count : 1);
    float dry_step = (dry_to - dry_from) / (float)(count ? count : 1);
    for (uint32_t i = 0; i < count; i++) {
        float at = (float)(int32_t)(i + 1);
        float wet_level = MULTIPLY_ADD(at, wet_step, wet_from), dry_level = MULTIPLY_ADD(at, dry_step, dry_from);
        y[i] = MULTIPLY_ADD(wet[i], wet_level, dry[i] * dry_level);
    }
}

static void accumulate(float *y, const float *x, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        y[i] += x[i];
}

static void scale(float *y, float factor, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        y[i] *= factor;
}

const nt_kernels NT_KERNELS = {
    .name = NT_KERNELS_NAME,
    .positions = positions,
    .linear = linear,
    .hermite = hermite,
    .convolve = convolve,
#if defined(__AVX512F__)
    .convolve_group = convolve_group,
#endif
    .interpolate_row = interpolate_row,
    .sanitize = sanitize,
    .clamp_unit = clamp_unit,
    .gain_ramp = gain_ramp,
    .mix_ramp = mix_ramp,
    .fill_ramp = fill_ramp,
    .accumulate = accumulate,
    .scale = scale,
};
