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

static void positions(nt_positions *to, uint32_t start, uint32_t phase, uint32_t L, uint32_t M, uint32_t count)
{
    int32_t step_index[NT_GROUP], step_phase[NT_GROUP];
    for (uint32_t lane = 0; lane < NT_GROUP; lane++) {
        step_index[lane] = (int32_t)(lane * M / L);
        step_phase[lane] = (int32_t)(lane * M % L);
    }
    uint32_t group_index = NT_GROUP * M / L, group_phase = NT_GROUP * M % L;
    int32_t modulus = (int32_t)L;
    for (uint32_t j = 0; j < count; j += NT_GROUP) {
        for (uint32_t lane = 0; lane < NT_GROUP; lane++) {
            int32_t p = (int32_t)phase + step_phase[lane];
            int32_t carry = p >= modulus;
            to->phase[j + lane] = p - (carry ? modulus : 0);
            to->index[j + lane] = (int32_t)start + step_index[lane] + carry;
        }
        start += group_index;
        phase += group_phase;
        if (phase >= L) {
            phase -= L;
            start++;
        }
    }
    for (uint32_t j = count; j % NT_GROUP; j++) {
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
#else
static inline void linear16(const float *x, const int32_t *index, const int32_t *phase, float scale, float *y)
{
    for (int lane = 0; lane < NT_GROUP; lane++) {
        const float *w = x + index[lane];
        y[lane] = MULTIPLY_ADD(w[1] - w[0], (float)phase[lane] * scale, w[0]);
    }
}

static inline void hermite16(const float *x, const int32_t *index, const int32_t *phase, float scale, float *y)
{
    for (int lane = 0; lane < NT_GROUP; lane++) {
        const float *w = x + index[lane];
        float f = (float)phase[lane] * scale;
        float c1 = 0.5f * (w[2] - w[0]);
        float c3 = MULTIPLY_ADD(0.5f, w[3] - w[0], 1.5f * (w[1] - w[2]));
        float c2 = w[2] - w[1] - c1 - c3;
        y[lane] = MULTIPLY_ADD(MULTIPLY_ADD(MULTIPLY_ADD(c3, f, c2), f, c1), f, w[1]);
    }
}
#endif

/* The last group is made in full and cut: every sample comes from the same instructions. */
#define INTERPOLATE(name, group)                                                                                      \
    static void name(const nt_positions *at, uint32_t L, const float *x, float *y, uint32_t count)                    \
    {                                                                                                                  \
        float scale = 1.0f / (float)L;                                                                                 \
        uint32_t j = 0;                                                                                                \
        for (; j + NT_GROUP <= count; j += NT_GROUP)                                                                   \
            group(x, at->index + j, at->phase + j, scale, y + j);                                                      \
        if (j < count) {                                                                                               \
            float rest[NT_GROUP];                                                                                      \
            group(x, at->index + j, at->phase + j, scale, rest);                                                       \
            memcpy(y + j, rest, (count - j) * sizeof(float));                                                          \
        }                                                                                                              \
    }

INTERPOLATE(linear, linear16)
INTERPOLATE(hermite, hermite16)

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

static void convolve(const float *const *rows, const int32_t *index, uint32_t taps, const float *x, ptrdiff_t x_stride,
                     float *y, ptrdiff_t y_stride, uint32_t channels, uint32_t count)
{
    for (uint32_t j = 0; j < count; j += 4) {
        const float *r0 = rows[j], *r1 = rows[j + 1], *r2 = rows[j + 2], *r3 = rows[j + 3];
        uint32_t c = 0;
        /* Two channels share the loads of the coefficients: four outputs, eight accumulators. */
        for (; c + 2 <= channels; c += 2) {
            const float *left = x + (ptrdiff_t)c * x_stride, *right = left + x_stride;
            const float *l0 = left + index[j], *l1 = left + index[j + 1], *l2 = left + index[j + 2],
                        *l3 = left + index[j + 3];
            const float *q0 = right + index[j], *q1 = right + index[j + 1], *q2 = right + index[j + 2],
                        *q3 = right + index[j + 3];
            __m256 a0 = _mm256_setzero_ps(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (uint32_t t = 0; t < taps; t += NT_LANES) {
                __m256 h0 = _mm256_loadu_ps(r0 + t), h1 = _mm256_loadu_ps(r1 + t), h2 = _mm256_loadu_ps(r2 + t),
                       h3 = _mm256_loadu_ps(r3 + t);
                a0 = _mm256_fmadd_ps(h0, _mm256_loadu_ps(l0 + t), a0);
                a1 = _mm256_fmadd_ps(h1, _mm256_loadu_ps(l1 + t), a1);
                a2 = _mm256_fmadd_ps(h2, _mm256_loadu_ps(l2 + t), a2);
                a3 = _mm256_fmadd_ps(h3, _mm256_loadu_ps(l3 + t), a3);
                b0 = _mm256_fmadd_ps(h0, _mm256_loadu_ps(q0 + t), b0);
                b1 = _mm256_fmadd_ps(h1, _mm256_loadu_ps(q1 + t), b1);
                b2 = _mm256_fmadd_ps(h2, _mm256_loadu_ps(q2 + t), b2);
                b3 = _mm256_fmadd_ps(h3, _mm256_loadu_ps(q3 + t), b3);
            }
            store4(y + (ptrdiff_t)c * y_stride + j, reduce4(a0, a1, a2, a3), count - j);
            store4(y + (ptrdiff_t)(c + 1) * y_stride + j, reduce4(b0, b1, b2, b3), count - j);
        }
        for (; c < channels; c++) {
            const float *from = x + (ptrdiff_t)c * x_stride;
            const float *l0 = from + index[j], *l1 = from + index[j + 1], *l2 = from + index[j + 2],
                        *l3 = from + index[j + 3];
            __m256 a0 = _mm256_setzero_ps(), a1 = a0, a2 = a0, a3 = a0;
            for (uint32_t t = 0; t < taps; t += NT_LANES) {
                a0 = _mm256_fmadd_ps(_mm256_loadu_ps(r0 + t), _mm256_loadu_ps(l0 + t), a0);
                a1 = _mm256_fmadd_ps(_mm256_loadu_ps(r1 + t), _mm256_loadu_ps(l1 + t), a1);
                a2 = _mm256_fmadd_ps(_mm256_loadu_ps(r2 + t), _mm256_loadu_ps(l2 + t), a2);
                a3 = _mm256_fmadd_ps(_mm256_loadu_ps(r3 + t), _mm256_loadu_ps(l3 + t), a3);
            }
            store4(y + (ptrdiff_t)c * y_stride + j, reduce4(a0, a1, a2, a3), count - j);
        }
    }
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
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad += (bits & 0x7fffffffu) > 0x7f800000u;
        float value = x[i] > 0.0f ? x[i] : 0.0f;
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
    .interpolate_row = interpolate_row,
    .sanitize = sanitize,
    .clamp_unit = clamp_unit,
    .gain_ramp = gain_ramp,
    .mix_ramp = mix_ramp,
    .fill_ramp = fill_ramp,
    .accumulate = accumulate,
    .scale = scale,
};
