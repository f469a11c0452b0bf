/* The source of every kernel variant: included by nt_kernels_<variant>.c, which names the table, and compiled with that
 * variant's flags. Plain C that compilers vectorise; intrinsics where they do not. Floating-point contraction is off
 * (the build says so), a fused multiply-add is written as one. */
#include <math.h>
#include <string.h>

#include "nt_kernels.h"

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
    __m512 c3 = _mm512_fmadd_ps(half, _mm512_sub_ps(x3, x0), _mm512_mul_ps(_mm512_set1_ps(1.5f), _mm512_sub_ps(x1, x2)));
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

#if defined(__AVX2__)
/* Four sums of eight lanes each. */
static inline __m128 reduce4(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 quarters = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
}

static inline void store4(float *y, __m128 sums, uint32_t count)
{
    if (count >= 4) {
        _mm_storeu_ps(y, sums);
    } else {
        float four[4];
        _mm_storeu_ps(four, sums);
        memcpy(y, four, count * sizeof(float));
    }
}

/* Four outputs of one channel. */
static inline void convolve4(const float *const *rows, const int32_t *index, uint32_t taps, const float *x, float *y,
                             uint32_t count)
{
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    const float *x0 = x + index[0], *x1 = x + index[1], *x2 = x + index[2], *x3 = x + index[3];
    __m256 a0 = _mm256_setzero_ps(), a1 = a0, a2 = a0, a3 = a0;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)taps; t += NT_LANES) {
        a0 = _mm256_fmadd_ps(_mm256_loadu_ps(r0 + t), _mm256_loadu_ps(x0 + t), a0);
        a1 = _mm256_fmadd_ps(_mm256_loadu_ps(r1 + t), _mm256_loadu_ps(x1 + t), a1);
        a2 = _mm256_fmadd_ps(_mm256_loadu_ps(r2 + t), _mm256_loadu_ps(x2 + t), a2);
        a3 = _mm256_fmadd_ps(_mm256_loadu_ps(r3 + t), _mm256_loadu_ps(x3 + t), a3);
    }
    store4(y, reduce4(a0, a1, a2, a3), count);
}

/* Four outputs of two channels, which share the loads of the coefficients. */
static inline void convolve4_pair(const float *const *rows, const int32_t *index, uint32_t taps, const float *x,
                                  ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, uint32_t count)
{
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    const float *x0 = x + index[0], *x1 = x + index[1], *x2 = x + index[2], *x3 = x + index[3];
    __m256 a0 = _mm256_setzero_ps(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)taps; t += NT_LANES) {
        __m256 h0 = _mm256_loadu_ps(r0 + t), h1 = _mm256_loadu_ps(r1 + t), h2 = _mm256_loadu_ps(r2 + t),
               h3 = _mm256_loadu_ps(r3 + t);
        a0 = _mm256_fmadd_ps(h0, _mm256_loadu_ps(x0 + t), a0);
        a1 = _mm256_fmadd_ps(h1, _mm256_loadu_ps(x1 + t), a1);
        a2 = _mm256_fmadd_ps(h2, _mm256_loadu_ps(x2 + t), a2);
        a3 = _mm256_fmadd_ps(h3, _mm256_loadu_ps(x3 + t), a3);
        b0 = _mm256_fmadd_ps(h0, _mm256_loadu_ps(x0 + x_stride + t), b0);
        b1 = _mm256_fmadd_ps(h1, _mm256_loadu_ps(x1 + x_stride + t), b1);
        b2 = _mm256_fmadd_ps(h2, _mm256_loadu_ps(x2 + x_stride + t), b2);
        b3 = _mm256_fmadd_ps(h3, _mm256_loadu_ps(x3 + x_stride + t), b3);
    }
    store4(y, reduce4(a0, a1, a2, a3), count);
    store4(y + y_stride, reduce4(b0, b1, b2, b3), count);
}

static void convolve(const float *const *rows, const int32_t *index, uint32_t taps, const float *x, ptrdiff_t x_stride,
                     float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t count)
{
    uint32_t c = 0;
    for (; c + 2 <= channels; c += 2)
        for (uint32_t j = 0; j < count; j += 4)
            convolve4_pair(rows + j, index + j, taps, x + (ptrdiff_t)c * x_stride, x_stride,
                           y + (ptrdiff_t)c * y_stride + j, y_stride, count - j);
    for (; c < channels; c++)
        for (uint32_t j = 0; j < count; j += 4)
            convolve4(rows + j, index + j, taps, x + (ptrdiff_t)c * x_stride, y + (ptrdiff_t)c * y_stride + j,
                      count - j);
}
#else
static void convolve(const float *const *rows, const int32_t *index, uint32_t taps, const float *x, ptrdiff_t x_stride,
                     float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t count)
{
    for (uint32_t c = 0; c < channels; c++) {
        const float *from = x + (ptrdiff_t)c * x_stride;
        float *to = y + (ptrdiff_t)c * y_stride;
        for (uint32_t j = 0; j < count; j++) {
            const float *row = rows[j], *window = from + index[j];
            float sum[NT_LANES] = {0};
            for (uint32_t t = 0; t < taps; t += NT_LANES)
                for (uint32_t lane = 0; lane < NT_LANES; lane++)
                    sum[lane] = MULTIPLY_ADD(row[t + lane], window[t + lane], sum[lane]);
            to[j] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        }
    }
}
#endif

#if defined(__AVX512F__)
/* The samples x[offset + t] .. x[offset + t + 3] of every lane lie within 32 samples of x[t]. */
static inline void convolve_lanes(const float *group, const __m512i at[4], uint32_t taps, const float *x,
                                  __m512 sum[1])
{
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)taps; t += 4) {
        const float *h = group + t * NT_GROUP;
        __m512 low = _mm512_loadu_ps(x + t), high = _mm512_loadu_ps(x + t + 16);
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(h), _mm512_permutex2var_ps(low, at[0], high), s0);
        s1 = _mm512_fmadd_ps(_mm512_loadu_ps(h + 16), _mm512_permutex2var_ps(low, at[1], high), s1);
        s2 = _mm512_fmadd_ps(_mm512_loadu_ps(h + 32), _mm512_permutex2var_ps(low, at[2], high), s2);
        s3 = _mm512_fmadd_ps(_mm512_loadu_ps(h + 48), _mm512_permutex2var_ps(low, at[3], high), s3);
    }
    *sum = _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
}

static inline void convolve_lanes_pair(const float *group, const __m512i at[4], uint32_t taps, const float *x,
                                       ptrdiff_t x_stride, __m512 sum[2])
{
    const float *right = x + x_stride;
    __m512 a0 = _mm512_setzero_ps(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)taps; t += 4) {
        const float *h = group + t * NT_GROUP;
        __m512 h0 = _mm512_loadu_ps(h), h1 = _mm512_loadu_ps(h + 16), h2 = _mm512_loadu_ps(h + 32),
               h3 = _mm512_loadu_ps(h + 48);
        __m512 low = _mm512_loadu_ps(x + t), high = _mm512_loadu_ps(x + t + 16);
        a0 = _mm512_fmadd_ps(h0, _mm512_permutex2var_ps(low, at[0], high), a0);
        a1 = _mm512_fmadd_ps(h1, _mm512_permutex2var_ps(low, at[1], high), a1);
        a2 = _mm512_fmadd_ps(h2, _mm512_permutex2var_ps(low, at[2], high), a2);
        a3 = _mm512_fmadd_ps(h3, _mm512_permutex2var_ps(low, at[3], high), a3);
        low = _mm512_loadu_ps(right + t), high = _mm512_loadu_ps(right + t + 16);
        b0 = _mm512_fmadd_ps(h0, _mm512_permutex2var_ps(low, at[0], high), b0);
        b1 = _mm512_fmadd_ps(h1, _mm512_permutex2var_ps(low, at[1], high), b1);
        b2 = _mm512_fmadd_ps(h2, _mm512_permutex2var_ps(low, at[2], high), b2);
        b3 = _mm512_fmadd_ps(h3, _mm512_permutex2var_ps(low, at[3], high), b3);
    }
    sum[0] = _mm512_add_ps(_mm512_add_ps(a0, a1), _mm512_add_ps(a2, a3));
    sum[1] = _mm512_add_ps(_mm512_add_ps(b0, b1), _mm512_add_ps(b2, b3));
}

static inline void store_lanes(float *y, __m512 sum, uint32_t first, uint32_t last)
{
    if (first == 0) {
        _mm512_mask_storeu_ps(y, (__mmask16)((1u << last) - 1u), sum);
    } else {
        float lanes[NT_GROUP];
        _mm512_storeu_ps(lanes, sum);
        memcpy(y, lanes + first, (last - first) * sizeof(float));
    }
}

static void convolve_group(const float *group, const int32_t *offset, uint32_t taps, const float *x,
                           ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t first,
                           uint32_t last)
{
    __m512i at[4];
    for (int t = 0; t < 4; t++)
        at[t] = _mm512_add_epi32(_mm512_loadu_si512(offset), _mm512_set1_epi32(t));
    uint32_t c = 0;
    for (; c + 2 <= channels; c += 2) {
        __m512 sum[2];
        convolve_lanes_pair(group, at, taps, x + (ptrdiff_t)c * x_stride, x_stride, sum);
        store_lanes(y + (ptrdiff_t)c * y_stride, sum[0], first, last);
        store_lanes(y + (ptrdiff_t)(c + 1) * y_stride, sum[1], first, last);
    }
    for (; c < channels; c++) {
        __m512 sum[1];
        convolve_lanes(group, at, taps, x + (ptrdiff_t)c * x_stride, sum);
        store_lanes(y + (ptrdiff_t)c * y_stride, sum[0], first, last);
    }
}
#endif

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
        y[i] = MULTIPLY_ADD(wet[i], MULTIPLY_ADD(at, wet_step, wet_from), dry[i] * MULTIPLY_ADD(at, dry_step, dry_from));
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
