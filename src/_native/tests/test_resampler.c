/* nt_resampler: the same output however it is cut, at exact times, with the values of ideal interpolation. */
#include "resampling.h"

#define PI 3.14159265358979323846

/* Both directions of common pairs, steep and nearly equal ones; those with large lowest terms (44101, 47999)
 * have too many phases for a table of sinc rows. */
static const rate_pair PAIRS[] = {
    {48000, 44100}, {44100, 48000},  {96000, 44100},  {44100, 96000}, {8000, 48000},
    {48000, 16000}, {11025, 192000}, {192000, 11025}, {44100, 44101}, {48000, 47999},
    {768000, 1000}, {1000, 768000},  {48000, 48000},
};
static const quality QUALITIES[] = {
    {NT_LINEAR, 0}, {NT_HERMITE, 0}, {NT_SINC, 8}, {NT_SINC, 32}, {NT_SINC, 64}, {NT_SINC, 128},
};
enum {
    PAIR_COUNT = sizeof PAIRS / sizeof PAIRS[0],
    QUALITY_COUNT = sizeof QUALITIES / sizeof QUALITIES[0],
    EXTRA_LOOKAHEAD = 37
};

static const char *name_of(quality q)
{
    return q.kind == NT_LINEAR ? "linear" : q.kind == NT_HERMITE ? "hermite" : "sinc";
}

static void case_of(const char *what, quality q, rate_pair rates)
{
    check_case("%s: %u -> %u Hz, %s %u", what, rates.in, rates.out, name_of(q), q.taps);
}

/* The header's numbers, written down again. */
static void test_lookahead(quality q, rate_pair rates)
{
    case_of("lookahead", q, rates);
    double down = rates.in > rates.out ? (double)rates.in / rates.out : 1.0;
    double expected = q.kind == NT_LINEAR ? 1 : q.kind == NT_HERMITE ? 2 : ceil(q.taps / 2 * down - 1e-9);
    CHECK_EQUAL(lookahead_of(q, rates), rates.in == rates.out ? 0 : expected);
}

/* Frame by frame, with as much room as there can be: the number of outputs after every input. */
static void test_counts(nt_resampler *resampler, rate_pair rates, uint32_t lookahead, const float *in,
                        uint32_t frames, const float *expected, float *out)
{
    uint64_t made = 0;
    nt_resampler_reset(resampler);
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t used, generated;
        nt_span source = {(float *)in + i, 0, 1}, target = {out + made, 0, EVERYTHING};
        nt_resampler_process(resampler, source, target, &used, &generated);
        CHECK_EQUAL(used, 1);
        made += generated;
        CHECK_EQUAL(made, outputs_after(rates, i + 1, lookahead));
    }
    CHECK_SAME_FLOATS(out, expected, made);
}

static void test_cuts(nt_resampler *resampler, const float *in, uint32_t frames, const float *expected,
                      uint32_t count, float *out)
{
    static const struct {
        uint32_t chunk, room;
    } cuts[] = {{1, 1}, {7, 5}, {64, 1}, {1000, 64}, {EVERYTHING, 1}, {RANDOM_SIZE, RANDOM_SIZE}};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        memset(out, 0, count * sizeof(float));
        CHECK_EQUAL(resample(resampler, in, frames, cuts[i].chunk, cuts[i].room, out, count), count);
        CHECK_SAME_FLOATS(out, expected, count);
    }
}

static void test_streaming(quality q, rate_pair rates)
{
    case_of("streaming", q, rates);
    uint32_t lookahead = lookahead_of(q, rates), frames = frames_for(rates, lookahead, 2500);
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_noise(frames), *expected = new_floats(count + 1), *out = new_floats(count + 1);
    nt_resampler *resampler = new_resampler(q, rates, 1, 0);
    CHECK_EQUAL(resample(resampler, in, frames, EVERYTHING, EVERYTHING, expected, count), count);
    test_counts(resampler, rates, lookahead, in, frames, expected, out);
    test_cuts(resampler, in, frames, expected, count, out);
    nt_resampler_destroy(resampler);

    case_of("more lookahead", q, rates);
    uint32_t more = lookahead + EXTRA_LOOKAHEAD;
    resampler = new_resampler(q, rates, 1, more);
    test_counts(resampler, rates, more, in, frames, expected, out);
    nt_resampler_destroy(resampler);
    free(in);
    free(expected);
    free(out);
}

/* Input frame at which output j lies, whole and fraction apart so that late positions are as exact as early
 * ones. */
static double position_of(rate_pair rates, uint64_t j)
{
    return (double)(j * rates.in / rates.out) + (double)(j * rates.in % rates.out) / rates.out;
}

/* Polynomials that the interpolation reproduces: of degree 1 by two points, of degree 2 by Hermite pieces
 * with central differences as slopes, except where a point would lie before the first frame. */
static double polynomial(nt_resampler_kind kind, double t)
{
    return kind == NT_LINEAR ? 0.9 - 1.7 * t : 0.9 - 3.1 * t + 2.3 * t * t;
}

static void test_polynomial(quality q, rate_pair rates)
{
    case_of("polynomial", q, rates);
    uint32_t lookahead = lookahead_of(q, rates), frames = frames_for(rates, lookahead, 2500);
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_floats(frames), *out = new_floats(count + 1);
    for (uint32_t i = 0; i < frames; i++)
        in[i] = (float)polynomial(q.kind, (double)i / frames);
    nt_resampler *resampler = new_resampler(q, rates, 1, 0);
    CHECK_EQUAL(resample(resampler, in, frames, 100, 333, out, count), count);
    for (uint32_t j = 0; j < count; j++) {
        double position = position_of(rates, j);
        if (q.kind == NT_LINEAR || position >= 1.0)
            CHECK_NEAR(out[j], polynomial(q.kind, position / frames), 4e-7);
    }
    nt_resampler_destroy(resampler);
    free(in);
    free(out);
}

typedef struct sine_bound {
    uint32_t taps;
    double frequency; /* of the lower rate */
    double error;     /* of the largest sample */
} sine_bound;

/* What Kaiser windows of these lengths allow inside the band: -42, -100 and, from 64 taps on, about -120 dB.
 */
static const sine_bound BOUNDS[] = {
    {8, 0.05, 8e-3},  {8, 0.2, 8e-3},   {32, 0.05, 1e-5},  {32, 0.35, 1e-5},
    {64, 0.05, 1e-6}, {64, 0.35, 1e-6}, {128, 0.05, 1e-6}, {128, 0.4, 1e-6},
};

/* A row is summed in eight lanes of floats; their roundings add up like a random walk. That only matters if a
 * row has thousands of coefficients. */
static double rounding_of(uint32_t lookahead)
{
    return ldexp(sqrt(2.0 * lookahead / 8.0), -24);
}

static void test_sine(nt_resampler *resampler, rate_pair rates, uint32_t lookahead, sine_bound bound,
                      uint32_t frames)
{
    uint32_t lower = rates.in < rates.out ? rates.in : rates.out;
    double step = 2.0 * PI * bound.frequency * lower / rates.in;
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_floats(frames), *out = new_floats(count + 1);
    for (uint32_t i = 0; i < frames; i++)
        in[i] = (float)sin(step * i + 0.3);
    CHECK_EQUAL(resample(resampler, in, frames, 512, 4096, out, count), count);
    for (uint32_t j = 0; j < count; j++) {
        double position = position_of(rates, j);
        if (position >= lookahead) /* silence before the first frame is no sine */
            CHECK_NEAR(out[j], sin(step * position + 0.3), bound.error + rounding_of(lookahead));
    }
    free(in);
    free(out);
}

static void test_constant(nt_resampler *resampler, rate_pair rates, uint32_t lookahead, uint32_t frames)
{
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_floats(frames), *out = new_floats(count + 1);
    for (uint32_t i = 0; i < frames; i++)
        in[i] = 0.75f;
    CHECK_EQUAL(resample(resampler, in, frames, EVERYTHING, EVERYTHING, out, count), count);
    for (uint32_t j = 0; j < count; j++)
        if (position_of(rates, j) >= lookahead)
            CHECK_NEAR(out[j], 0.75, 0.75 * (lookahead < 4096 ? 1e-6 : rounding_of(lookahead)));
    free(in);
    free(out);
}

/* Every phase comes once in L outputs. */
static void test_sinc_values(quality q, rate_pair rates)
{
    uint32_t lookahead = lookahead_of(q, rates);
    uint32_t L = rates.out / (uint32_t)common_divisor(rates.in, rates.out);
    uint32_t frames = 2 * lookahead + frames_for(rates, lookahead, L < 2500 ? 2500 : L);
    nt_resampler *resampler = new_resampler(q, rates, 1, 0);
    for (size_t i = 0; i < sizeof BOUNDS / sizeof BOUNDS[0]; i++) {
        if (BOUNDS[i].taps != q.taps)
            continue;
        check_case("sine of %g: %u -> %u Hz, %u taps", BOUNDS[i].frequency, rates.in, rates.out, q.taps);
        test_sine(resampler, rates, lookahead, BOUNDS[i], frames);
    }
    case_of("constant", q, rates);
    test_constant(resampler, rates, lookahead, frames);
    nt_resampler_destroy(resampler);
}

static void test_channels(quality q, rate_pair rates, uint32_t channels)
{
    check_case("%u channels: %u -> %u Hz, %s %u", channels, rates.in, rates.out, name_of(q), q.taps);
    uint32_t lookahead = lookahead_of(q, rates), frames = frames_for(rates, lookahead, 1500);
    uint32_t count = (uint32_t)outputs_after(rates, frames, lookahead);
    float *in = new_noise((size_t)channels * frames), *expected = new_floats(count + 1);
    float *out = new_floats((size_t)channels * (count + 1));
    nt_resampler *mono = new_resampler(q, rates, 1, 0), *all = new_resampler(q, rates, channels, 0);
    CHECK_EQUAL(resample(all, in, frames, RANDOM_SIZE, RANDOM_SIZE, out, count), count);
    for (uint32_t c = 0; c < channels; c++) {
        CHECK_EQUAL(resample(mono, in + (size_t)c * frames, frames, 100, 1000, expected, count), count);
        CHECK_SAME_FLOATS(out + (size_t)c * (count + 1), expected, count);
    }
    nt_resampler_destroy(mono);
    nt_resampler_destroy(all);
    free(in);
    free(expected);
    free(out);
}

static nt_status try_to_create(nt_resampler_kind kind, uint32_t taps, uint32_t rate_in, uint32_t rate_out,
                               uint32_t channels)
{
    nt_resampler_config config = {kind, taps, rate_in, rate_out, channels, 0};
    int occupied = 0;
    nt_resampler *resampler = (nt_resampler *)(void *)&occupied;
    nt_status status = nt_resampler_create(&resampler, &config);
    CHECK((resampler != NULL) == (status == NT_OK)); /* a failed create leaves NULL behind */
    nt_resampler_destroy(resampler);
    return status;
}

static void test_errors(void)
{
    check_case("errors");
    static const uint32_t rates[] = {0, NT_RATE_MIN - 1, NT_RATE_MAX + 1, UINT32_MAX},
                          taps[] = {0, 7, 33, 130};
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(try_to_create(NT_LINEAR, 0, rates[i], 48000, 1), NT_ERROR_RATE);
        CHECK_EQUAL(try_to_create(NT_LINEAR, 0, 48000, rates[i], 1), NT_ERROR_RATE);
        CHECK_EQUAL(try_to_create(NT_SINC, taps[i], 48000, 44100, 1), NT_ERROR_TAPS);
        CHECK_EQUAL(try_to_create(NT_HERMITE, taps[i], 48000, 44100, 1), NT_OK);
    }
    CHECK_EQUAL(try_to_create((nt_resampler_kind)9, 32, 48000, 44100, 1), NT_ERROR_KIND);
    CHECK_EQUAL(try_to_create(NT_SINC, 32, 48000, 44100, 0), NT_ERROR_CHANNELS);
    CHECK_EQUAL(try_to_create(NT_SINC, 32, 48000, 44100, NT_CHANNELS_MAX + 1), NT_ERROR_CHANNELS);
    CHECK_EQUAL(try_to_create(NT_SINC, 32, 48000, 48000, 1), NT_OK);
    CHECK_EQUAL(try_to_create(NT_SINC, 128, 48000, 44100, NT_CHANNELS_MAX), NT_OK);
    CHECK_EQUAL(nt_resampler_create(NULL, NULL), NT_ERROR_ARGUMENT);
    nt_resampler_config ahead = {NT_SINC, 32, 88200, 8000, 1, NT_LOOKAHEAD_MAX + 1};
    nt_resampler *refused;
    CHECK_EQUAL(nt_resampler_create(&refused, &ahead), NT_ERROR_ARGUMENT);
    ahead.lookahead = UINT32_MAX - 10; /* with the taps, more than 32 bits */
    CHECK_EQUAL(nt_resampler_create(&refused, &ahead), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_resampler_lookahead(NT_LINEAR, 0, 48000, 44100, NULL), NT_ERROR_ARGUMENT);
    nt_resampler_destroy(NULL);
}

int main(void)
{
    for (int p = 0; p < PAIR_COUNT; p++) {
        for (int i = 0; i < QUALITY_COUNT; i++) {
            test_lookahead(QUALITIES[i], PAIRS[p]);
            test_streaming(QUALITIES[i], PAIRS[p]);
            if (QUALITIES[i].kind != NT_SINC)
                test_polynomial(QUALITIES[i], PAIRS[p]);
            else if (PAIRS[p].in != PAIRS[p].out)
                test_sinc_values(QUALITIES[i], PAIRS[p]);
        }
    }
    for (int i = 0; i < QUALITY_COUNT; i++) {
        test_channels(QUALITIES[i], (rate_pair){48000, 44100}, 2);
        test_channels(QUALITIES[i], (rate_pair){44100, 44101}, 5);
        test_channels(QUALITIES[i], (rate_pair){192000, 11025}, 5);
        test_channels(QUALITIES[i], (rate_pair){48000, 48000}, 5);
    }
    test_errors();
    return 0;
}
