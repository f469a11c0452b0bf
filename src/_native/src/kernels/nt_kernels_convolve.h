/* The inner loops of the sinc resampler: part of nt_kernels_body.h, compiled with each variant's flags. */

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
