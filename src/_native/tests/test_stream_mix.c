/* What a stream does to levels and channels: mapping, gains, wet and dry. */
#include "stream_fixture.h"

enum {
    BLOCK = 100,
    BLOCKS = 30,
    FRAMES = BLOCK * BLOCKS,
    CHANNELS_MAX = 4
};

/* The rule of nt_channels.h, read from the other end: every channel a of A gives to channel a mod B; a
 * channel of B that got nothing copies channel b mod A. */
static void map_channels(const double *from, uint32_t A, double *to, uint32_t B)
{
    uint32_t members[CHANNELS_MAX] = {0};
    for (uint32_t b = 0; b < B; b++)
        to[b] = 0.0;
    for (uint32_t a = 0; a < A; a++) {
        to[a % B] += from[a];
        members[a % B]++;
    }
    for (uint32_t b = 0; b < B; b++)
        to[b] = members[b] ? to[b] / members[b] : from[b % A];
}

/* Channel c of the output is channel c of the input (modulo what there are) times c + 1: no two are alike. */
static void scaled_channels(test_session *session, uint32_t frames)
{
    for (uint32_t c = 0; c < session->exchange.out_channels; c++) {
        const float *in = newest_input(session, c % session->exchange.in_channels, frames);
        float *out = output_row(session, c, frames);
        for (uint32_t i = 0; i < frames; i++)
            out[i] = in[i] * (float)(c + 1);
    }
}

static void expect_mapped(const float *in, uint32_t t, uint32_t host, uint32_t inside, uint32_t outside,
                          double expected[CHANNELS_MAX])
{
    double from[CHANNELS_MAX] = {0}, entering[CHANNELS_MAX], leaving[CHANNELS_MAX];
    for (uint32_t c = 0; c < host; c++)
        from[c] = in[c * FRAMES + t];
    map_channels(from, host, entering, inside);
    for (uint32_t c = 0; c < outside; c++)
        leaving[c] = entering[c % inside] * (c + 1);
    map_channels(leaving, outside, expected, host);
}

static void test_channels(uint32_t host, uint32_t inside, uint32_t outside)
{
    check_case("%u channels of a host, %u into the model and %u out of it", host, inside, outside);
    setup s = {.host_rate = 48000,
               .host_block = BLOCK,
               .model_rate = 48000,
               .model_block = 64,
               .host_channels = host,
               .in_channels = inside,
               .out_channels = outside,
               .look_behind = 10,
               .body = scaled_channels};
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(host * FRAMES), *out = new_floats(host * FRAMES);
    drive(&f, in, NULL, out, FRAMES);
    for (uint32_t t = f.schedule.delay; t < FRAMES; t++) {
        double expected[CHANNELS_MAX];
        expect_mapped(in, t - f.schedule.delay, host, inside, outside, expected);
        for (uint32_t c = 0; c < host; c++)
            CHECK_NEAR(out[c * FRAMES + t], expected[c], 1e-6);
    }
    close_fixture(&f);
    free(in);
    free(out);
}

static setup stereo(uint32_t model_rate, uint32_t in_channels, uint32_t model_delay)
{
    return (setup){.host_rate = 48000,
                   .host_block = BLOCK,
                   .model_rate = model_rate,
                   .model_block = 64,
                   .kind = NT_SINC,
                   .taps = 32,
                   .host_channels = 2,
                   .in_channels = in_channels,
                   .out_channels = in_channels,
                   .model_delay = model_delay};
}

/* Dry alone is the input, as late as the model's output, bit for bit. */
static void test_dry(setup s)
{
    case_of("dry", &s);
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(2 * FRAMES), *out = new_floats(2 * FRAMES);
    nt_stream_set_level(f.stream, NT_WET, 0.0f);
    nt_stream_set_level(f.stream, NT_DRY, 1.0f);
    drive(&f, in, NULL, out, FRAMES);
    for (uint32_t c = 0; c < 2; c++)
        check_delayed(out + c * FRAMES, in + c * FRAMES, f.schedule.delay + s.model_delay, FRAMES);
    close_fixture(&f);
    free(in);
    free(out);
}

/* The session delays by 37 frames and says so: wet and dry meet. */
static void delay_by_37(test_session *session, uint32_t frames)
{
    for (uint32_t c = 0; c < 2; c++)
        memcpy(output_row(session, c, frames), newest_input(session, c, frames) - 37, frames * sizeof(float));
}

static void test_wet_meets_dry(void)
{
    setup s = stereo(48000, 2, 37);
    s.look_behind = 37;
    s.body = delay_by_37;
    case_of("wet and dry", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t delay = f.schedule.delay + 37;
    float *in = new_noise(2 * FRAMES), *out = new_floats(2 * FRAMES);
    nt_stream_set_level(f.stream, NT_DRY, -1.0f);
    drive(&f, in, NULL, out, FRAMES);
    for (uint32_t t = 0; t < 2 * FRAMES; t++)
        CHECK_NEAR(out[t], 0.0, 0.0); /* they cancel */

    nt_stream_reset(f.stream);
    nt_stream_set_level(f.stream, NT_INPUT_GAIN, 0.5f); /* the model's input alone */
    nt_stream_set_level(f.stream, NT_WET, 0.7f);
    nt_stream_set_level(f.stream, NT_DRY, 0.4f);
    nt_stream_set_level(f.stream, NT_OUTPUT_GAIN, -2.0f); /* both */
    drive(&f, in, NULL, out, FRAMES);
    for (uint32_t t = delay; t < FRAMES; t++)
        for (uint32_t c = 0; c < 2; c++)
            CHECK_NEAR(out[c * FRAMES + t], -2.0 * (0.7 * 0.5 + 0.4) * in[c * FRAMES + t - delay], 2e-6);
    close_fixture(&f);
    free(in);
    free(out);
}

static void constant_input(float *block)
{
    for (int i = 0; i < 2 * BLOCK; i++)
        block[i] = 0.5f;
}

static void check_ramp(const float *out, double from, double to)
{
    for (uint32_t c = 0; c < 2; c++)
        for (int i = 0; i < BLOCK; i++)
            CHECK_NEAR(out[c * BLOCK + i], from + (to - from) * (i + 1) / BLOCK, 2e-6);
}

/* A level that is set ramps over one block, and holds. Nothing here delays: model blocks are the host's. Wet
 * is 1 and dry 0 as created, so that 0.5 comes out as 0.5; dry adds to it, the other levels multiply it. */
static void test_level(nt_level level)
{
    check_case("level %d", (int)level);
    static const float factors[] = {0.25f, 0.25f, 1.5f, 0.0f, 0.0f, 1.0f};
    setup s = stereo(48000, 2, 0);
    s.model_block = BLOCK;
    fixture f;
    open_fixture(&f, s);
    CHECK_EQUAL(f.schedule.delay, 0);
    float in[2 * BLOCK], out[2 * BLOCK];
    constant_input(in);
    CHECK_EQUAL(process_planar(&f, in, BLOCK, NULL, 0, out, BLOCK, BLOCK), NT_OK);
    check_ramp(out, 0.5, 0.5);
    double last = 0.5;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        double next = level == NT_DRY ? 0.5 + 0.5 * factors[i] : 0.5 * factors[i];
        nt_stream_set_level(f.stream, level, factors[i]);
        CHECK_EQUAL(process_planar(&f, in, BLOCK, NULL, 0, out, BLOCK, BLOCK), NT_OK);
        check_ramp(out, last, next);
        last = next;
    }
    close_fixture(&f);
}

/* What is set before the first block holds from its first frame. */
static void test_first_block(void)
{
    check_case("first block");
    setup s = stereo(48000, 2, 0);
    s.model_block = BLOCK;
    fixture f;
    open_fixture(&f, s);
    float in[2 * BLOCK], out[2 * BLOCK];
    constant_input(in);
    nt_stream_set_level(f.stream, NT_INPUT_GAIN, 0.5f);
    nt_stream_set_level(f.stream, NT_DRY, 2.0f);
    nt_stream_set_level(f.stream, NT_OUTPUT_GAIN, 0.25f);
    nt_stream_set_level(f.stream, (nt_level)4, 100.0f); /* there is none: ignored */
    for (int block = 0; block < 2; block++) {
        CHECK_EQUAL(process_planar(&f, in, BLOCK, NULL, 0, out, BLOCK, BLOCK), NT_OK);
        check_ramp(out, 0.3125, 0.3125); /* (0.5 * 0.5 + 2 * 0.5) / 4 */
    }
    close_fixture(&f);
}

int main(void)
{
    for (uint32_t host = 1; host <= CHANNELS_MAX; host++)
        for (uint32_t inside = 1; inside <= CHANNELS_MAX; inside++)
            for (uint32_t outside = 1; outside <= CHANNELS_MAX; outside++)
                test_channels(host, inside, outside);
    test_dry(stereo(48000, 2, 0));
    test_dry(stereo(44100, 2, 0));
    test_dry(stereo(44100, 1, 123));
    test_dry(stereo(96000, 3, 1000));
    test_wet_meets_dry();
    test_level(NT_INPUT_GAIN);
    test_level(NT_WET);
    test_level(NT_DRY);
    test_level(NT_OUTPUT_GAIN);
    test_first_block();
    return 0;
}
