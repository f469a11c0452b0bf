/* The inner loops: every variant that this processor runs does what nt_kernels.h says, like the generic one.
 */
#include "kernels/nt_kernels.h"
#include "resampling.h"

#include <float.h>
#include <stdbool.h>

enum {
    VARIANTS = 3,
    COUNT_MAX = 70,
    GUARD = 4
};

static const char *const NAMES[VARIANTS] = {"generic", "avx2", "avx512"};

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void test_sanitize(const nt_kernels *kernels)
{
    /* infinities, NaN quiet and signalling with small and large payloads; then what must stay: zeros,
     * denormals, limits */
    static const uint32_t broken[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u,
                                      0xffffffffu, 0x7fffffffu, 0xffc12345u, 0xff800001u};
    static const uint32_t sound[] = {0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu, 0x00800000u,
                                     0x7f7fffffu, 0xff7fffffu, 0x3f800000u, 0xbf000000u};
    for (uint32_t count = 0; count <= COUNT_MAX; count++) {
        check_case("sanitize, %s, %u samples", kernels->name, count);
        float in[COUNT_MAX + GUARD], out[COUNT_MAX + GUARD], expected[COUNT_MAX + GUARD];
        uint32_t bad = 0;
        for (uint32_t i = 0; i < COUNT_MAX + GUARD; i++) {
            bool breaks = random_below(3) == 0;
            in[i] = from_bits(breaks ? broken[random_below(8)] : sound[random_below(9)]);
            expected[i] = i >= count ? BEYOND : breaks ? 0.0f : in[i];
            out[i] = BEYOND;
            bad += breaks && i < count;
        }
        CHECK_EQUAL(kernels->sanitize(out, in, count), bad);
        CHECK_SAME_FLOATS(out, expected, COUNT_MAX + GUARD);
        CHECK_EQUAL(kernels->sanitize(in, in, count), bad); /* in place */
        CHECK_SAME_FLOATS(in, expected, count);
    }
}

static void test_clamp(const nt_kernels *kernels)
{
    static const float values[] = {0.0f,    1.0f,     0.5f,     -0.25f,    1.25f,
                                   FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, FLT_MIN};
    static const float clamped[] = {0.0f, 1.0f, 0.5f, 0.0f, 1.0f, 1.0f, 0.0f, 1.0f, 0.0f, FLT_MIN};
    static const uint32_t nans[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xff800001u};
    for (uint32_t count = 0; count <= COUNT_MAX; count++) {
        check_case("clamp_unit, %s, %u samples", kernels->name, count);
        float in[COUNT_MAX + GUARD], out[COUNT_MAX + GUARD], expected[COUNT_MAX + GUARD];
        uint32_t bad = 0;
        for (uint32_t i = 0; i < COUNT_MAX + GUARD; i++) {
            uint32_t pick = random_below(14);
            in[i] = pick < 10 ? values[pick] : from_bits(nans[pick - 10]);
            expected[i] = i >= count ? BEYOND : pick < 10 ? clamped[pick] : 0.0f;
            out[i] = BEYOND;
            bad += pick >= 10 && i < count;
        }
        CHECK_EQUAL(kernels->clamp_unit(out, in, count), bad);
        for (uint32_t i = 0; i < COUNT_MAX + GUARD; i++)
            CHECK_NEAR(out[i], expected[i], 0.0);
    }
}

/* Equal steps from `from`, excluded, to `to`, reached by the last sample. */
static double ramp_at(float from, float to, uint32_t i, uint32_t count)
{
    return from + ((double)to - from) * (i + 1) / count;
}

static void test_ramps(const nt_kernels *kernels)
{
    static const float ends[][2] = {{0.0f, 1.0f}, {1.0f, 0.3f}, {0.1f, 0.1f}, {-2.0f, 2.0f}};
    for (uint32_t count = 0; count <= COUNT_MAX; count++) {
        for (int e = 0; e < 4; e++) {
            float from = ends[e][0], to = ends[e][1], other = ends[(e + 1) % 4][0],
                  last = ends[(e + 1) % 4][1];
            check_case("ramp %g to %g, %s, %u samples", (double)from, (double)to, kernels->name, count);
            float ramp[COUNT_MAX + 1], gained[COUNT_MAX + 1], mixed[COUNT_MAX + 1], wet[COUNT_MAX],
                dry[COUNT_MAX];
            for (uint32_t i = 0; i < COUNT_MAX; i++) {
                wet[i] = gained[i] = random_sample();
                dry[i] = random_sample();
            }
            ramp[count] = gained[count] = mixed[count] = BEYOND;
            kernels->fill_ramp(ramp, from, to, count);
            kernels->gain_ramp(gained, from, to, count);
            kernels->mix_ramp(mixed, wet, from, to, dry, other, last, count);
            for (uint32_t i = 0; i < count; i++) {
                double expected = ramp_at(from, to, i, count);
                CHECK_NEAR(ramp[i], expected, 1e-6);
                CHECK_NEAR(gained[i], wet[i] * expected, 1e-6);
                CHECK_NEAR(mixed[i], wet[i] * expected + dry[i] * ramp_at(other, last, i, count), 2e-6);
            }
            if (count)
                CHECK_EQUAL(bits_of(ramp[count - 1]), bits_of(to));
            CHECK(ramp[count] == BEYOND && gained[count] == BEYOND && mixed[count] == BEYOND);
        }
    }
}

static void test_sums(const nt_kernels *kernels)
{
    for (uint32_t count = 0; count <= COUNT_MAX; count++) {
        check_case("accumulate and scale, %s, %u samples", kernels->name, count);
        float x[COUNT_MAX], sum[COUNT_MAX + 1], scaled[COUNT_MAX + 1], before[COUNT_MAX];
        for (uint32_t i = 0; i < COUNT_MAX; i++) {
            x[i] = random_sample();
            before[i] = sum[i] = scaled[i] = random_sample();
        }
        sum[count] = scaled[count] = BEYOND;
        kernels->accumulate(sum, x, count);
        kernels->scale(scaled, 0.3f, count);
        for (uint32_t i = 0; i < count; i++) {
            CHECK_NEAR(sum[i], before[i] + x[i], 0.0);
            CHECK_NEAR(scaled[i], before[i] * 0.3f, 0.0);
        }
        CHECK(sum[count] == BEYOND && scaled[count] == BEYOND);
    }
}

static float *resampled(quality q, rate_pair rates, const float *in, uint32_t frames, uint32_t chunk,
                        uint32_t room, uint32_t count)
{
    nt_resampler *resampler = new_resampler(q, rates, 2, 0);
    float *out = new_floats(2 * ((size_t)count + 1));
    CHECK_EQUAL(resample(resampler, in, frames, chunk, room, out, count), count);
    nt_resampler_destroy(resampler);
    return out;
}

static void test_resampler(const char *variant, quality q, rate_pair rates)
{
    check_case("%s: %u -> %u Hz, kind %d, %u taps", variant, rates.in, rates.out, (int)q.kind, q.taps);
    uint32_t lookahead = lookahead_of(q, rates), frames = frames_for(rates, lookahead, 2000);
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_noise(2 * (size_t)frames);
    CHECK_EQUAL(nt_kernels_force("generic"), NT_OK);
    float *expected = resampled(q, rates, in, frames, EVERYTHING, EVERYTHING, count);
    CHECK_EQUAL(nt_kernels_force(variant), NT_OK);
    float *whole = resampled(q, rates, in, frames, EVERYTHING, EVERYTHING, count);
    float *cut = resampled(q, rates, in, frames, RANDOM_SIZE, RANDOM_SIZE, count);
    float *tiny = resampled(q, rates, in, frames, 3, 1, count);
    for (uint32_t c = 0; c < 2; c++) {
        size_t row = c * ((size_t)count + 1);
        CHECK_SAME_FLOATS(cut + row, whole + row, count);
        CHECK_SAME_FLOATS(tiny + row, whole + row, count);
        for (uint32_t j = 0; j < count; j++)
            CHECK_NEAR(whole[row + j], expected[row + j], 2e-6);
    }
    free(in);
    free(expected);
    free(whole);
    free(cut);
    free(tiny);
}

/* Steep ratios gather inputs that are far apart, while close ratios permute registers. Large terms interpolate the
 * sinc's rows. */
static void test_resamplers(const char *variant)
{
    static const rate_pair pairs[] = {{48000, 44100},  {44100, 48000}, {96000, 44100}, {192000, 11025},
                                      {11025, 192000}, {44100, 44101}, {768000, 1000}, {48000, 22050}};
    static const quality qualities[] = {
        {NT_LINEAR, 0}, {NT_HERMITE, 0}, {NT_SINC, 10}, {NT_SINC, 32}, {NT_SINC, 128}};
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++)
        for (size_t i = 0; i < sizeof qualities / sizeof qualities[0]; i++)
            test_resampler(variant, qualities[i], pairs[p]);
}

/* If the compiler can tell what the processor has, the build must offer it. */
static void check_offer(const char *name, bool offered)
{
    check_case("variant %s", name);
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    bool expected = strcmp(name, "avx512") == 0 ? avx512 : strcmp(name, "avx2") == 0 ? avx2 : true;
    CHECK_EQUAL(offered, expected);
#else
    CHECK(offered || strcmp(name, "generic") != 0);
#endif
}

static void test_variant(const char *name)
{
    nt_status status = nt_kernels_force(name);
    check_offer(name, status == NT_OK);
    if (status != NT_OK) {
        CHECK_EQUAL(status, NT_ERROR_ARGUMENT);
        return;
    }
    CHECK(strcmp(nt_kernels_name(), name) == 0);
    const nt_kernels *kernels = nt_kernels_select();
    test_sanitize(kernels);
    test_clamp(kernels);
    test_ramps(kernels);
    test_sums(kernels);
    test_resamplers(name);
    printf("%s tested\n", name);
}

int main(void)
{
    check_case("names");
    const char *best = nt_kernels_name();
    CHECK_EQUAL(nt_kernels_force("sse9"), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_kernels_force(""), NT_ERROR_ARGUMENT);
    CHECK(strcmp(nt_kernels_name(), best) == 0); /* a failure changes nothing */
    for (int i = 0; i < VARIANTS; i++)
        test_variant(NAMES[i]);
    CHECK_EQUAL(nt_kernels_force(NULL), NT_OK);
    CHECK(strcmp(nt_kernels_name(), best) == 0);
    return 0;
}
