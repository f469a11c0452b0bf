/* Parameters: curves stay in step with the audio, set values ramp. */
#include "stream_fixture.h"

/* audio * parameter 0 */
static void multiply(test_session *session, uint32_t frames)
{
    const float *in = newest_input(session, 0, frames);
    for (uint32_t i = 0; i < frames; i++)
        session->audio_out[i] = in[i] * session->params[i];
}

/* The last parameter itself. */
static void last_parameter(test_session *session, uint32_t frames)
{
    uint32_t last = session->exchange.parameters - 1;
    memcpy(session->audio_out, session->params + (size_t)last * frames, frames * sizeof(float));
}

/* Audio channel c and parameter c should be the same signal: notes how far apart they are. */
static void compare(test_session *session, uint32_t frames)
{
    float *apart = session->note;
    for (uint32_t c = 0; c < session->exchange.parameters; c++) {
        const float *audio = newest_input(session, c, frames);
        const float *curve = session->params + (size_t)c * frames;
        for (uint32_t i = 0; i < frames; i++)
            *apart = fmaxf(*apart, isnan(curve[i]) ? INFINITY : fabsf(audio[i] - curve[i]));
    }
    pass_through(session, frames);
}

static float *new_curve(uint32_t frames)
{
    float *curve = new_floats(frames);
    for (uint32_t t = 0; t < frames; t++)
        curve[t] = 0.5f + 0.5f * random_sample();
    return curve;
}

/* Radians that a curve may turn in a host frame, to be as slow for the lower rate as it is for the host's. */
static double speed_for(const setup *s, double speed)
{
    return s->model_rate < s->host_rate ? speed * s->model_rate / s->host_rate : speed;
}

/* At one rate the product is exact. */
static void test_product(uint32_t host_block, uint32_t model_block, bool varies, uint32_t look_behind)
{
    setup s = {.host_rate = 48000,
               .host_block = host_block,
               .model_rate = 48000,
               .model_block = model_block,
               .varies = varies,
               .parameters = 1,
               .look_behind = look_behind,
               .body = multiply};
    case_of("product", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t frames = host_block * (1 + 10000 / host_block), delay = f.schedule.delay;
    float *in = new_noise(frames), *curve = new_curve(frames), *out = new_floats(frames);
    drive(&f, in, curve, out, frames);
    for (uint32_t t = 0; t < frames; t++)
        CHECK_NEAR(out[t], t < delay ? 0.0f : in[t - delay] * curve[t - delay], 0.0);
    close_fixture(&f);
    free(in);
    free(curve);
    free(out);
}

/* The same curves as audio and as parameters, at the model: interpolated alike, they are equal bit for bit;
 * audio that is interpolated better differs from linear parameters by what slow curves allow. One frame off
 * would be 0.009 for the fastest. Frames that a ring lost would show as well. */
static void test_in_step(setup s)
{
    enum {
        CURVES = 3,
        FRAMES = 24000
    };
    static const double speeds[CURVES] = {0.018, 0.005, 0.001};
    s.host_channels = s.in_channels = s.out_channels = s.parameters = CURVES;
    s.body = compare;
    case_of("in step", &s);
    fixture f;
    open_fixture(&f, s);
    float apart = 0.0f;
    f.session.note = &apart;
    uint32_t frames = FRAMES / s.host_block * s.host_block;
    float *curves = new_floats((size_t)CURVES * frames), *out = new_floats((size_t)CURVES * frames);
    for (uint32_t c = 0; c < CURVES;
         c++) /* from 0 with slope 0: band-limited enough against the silence before */
        for (uint32_t t = 0; t < frames; t++)
            curves[(size_t)c * frames + t] = (float)(0.5 - 0.5 * cos(speed_for(&s, speeds[c]) * t));
    drive(&f, curves, curves, out, frames);
    CHECK_NEAR(apart, 0.0, s.kind == NT_LINEAR ? 0.0 : 2e-4);
    CHECK_EQUAL(stats_of(&f).starved_frames, 0);
    close_fixture(&f);
    free(curves);
    free(out);
}

/* A curve that the session puts out as audio comes out D later. */
static void test_delay_of_curves(setup s)
{
    enum {
        FRAMES = 24000
    };
    s.parameters = 2;
    s.body = last_parameter;
    case_of("delay of curves", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t frames = FRAMES / s.host_block * s.host_block, delay = f.schedule.delay;
    float *in = new_floats(frames), *curves = new_floats(2 * (size_t)frames), *out = new_floats(frames);
    for (uint32_t t = 0; t < frames; t++)
        curves[frames + t] = (float)(0.5 - 0.5 * cos(speed_for(&s, 0.018) * t));
    drive(&f, in, curves, out, frames);
    for (uint32_t t = 0; t < frames; t++)
        CHECK_NEAR(out[t], t < delay ? 0.0f : curves[frames + t - delay], 5e-4);
    close_fixture(&f);
    free(in);
    free(curves);
    free(out);
}

/* Small blocks and long rows, too: there the look-ahead is longer than a block, and rings are at their
 * fullest. */
static void test_resampled_curves(void)
{
    static const setup setups[] = {
        {.host_rate = 48000, .host_block = 512, .model_rate = 44100, .model_block = 2048},
        {.host_rate = 44100, .host_block = 16, .model_rate = 48000, .model_block = 16},
        {.host_rate = 48000, .host_block = 16, .model_rate = 44100, .model_block = 0},
        {.host_rate = 96000, .host_block = 8, .model_rate = 44100, .model_block = 1},
        {.host_rate = 192000, .host_block = 16, .model_rate = 8000, .model_block = 0},
        {.host_rate = 44100, .host_block = 441, .model_rate = 96000, .model_block = 480},
        {.host_rate = 48000, .host_block = 200, .model_rate = 44100, .model_block = 64, .varies = true},
        {.host_rate = 48000, .host_block = 1, .model_rate = 44100, .model_block = 0, .look_behind = 50},
    };
    static const struct {
        nt_resampler_kind kind;
        uint32_t taps;
    } qualities[] = {{NT_LINEAR, 0}, {NT_HERMITE, 0}, {NT_SINC, 32}, {NT_SINC, 128}};
    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        for (int q = 0; q < 4; q++) {
            setup s = setups[i];
            s.kind = qualities[q].kind;
            s.taps = qualities[q].taps;
            test_in_step(s);
            test_delay_of_curves(s);
        }
    }
}

enum {
    BLOCK = 64
};

static void process_block(fixture *f, const float *curve, float *out)
{
    static const float silence[BLOCK];
    CHECK_EQUAL(process_planar(f, silence, 0, curve, 0, out, 0, BLOCK), NT_OK);
}

/* In equal steps from the last value, excluded, to the new one, reached by the last frame. */
static void check_ramp(const float *out, double from, double to)
{
    for (int i = 0; i < BLOCK; i++)
        CHECK_NEAR(out[i], from + (to - from) * (i + 1) / BLOCK, 1e-6);
    CHECK_NEAR(out[BLOCK - 1], (float)to, 0.0);
}

static void test_set_values(void)
{
    setup s = {.host_rate = 48000,
               .host_block = BLOCK,
               .model_rate = 48000,
               .model_block = BLOCK,
               .parameters = 3,
               .body = last_parameter};
    case_of("set values", &s);
    fixture f;
    float out[BLOCK], curve[3 * BLOCK];
    open_fixture(&f, s);
    nt_stream_set_parameter(f.stream, 2, 0.75f);
    nt_stream_set_parameter(f.stream, 3, 0.1f); /* there is none: ignored */
    process_block(&f, NULL, out);
    check_ramp(out, 0.75, 0.75); /* the first block has nothing to ramp from */
    nt_stream_set_parameter(f.stream, 2, 0.25f);
    process_block(&f, NULL, out);
    check_ramp(out, 0.75, 0.25);
    process_block(&f, NULL, out);
    check_ramp(out, 0.25, 0.25);

    for (int i = 0; i < 3 * BLOCK; i++)
        curve[i] = 0.875f;
    process_block(&f, curve, out);
    check_ramp(out, 0.875, 0.875); /* a curve is taken as it is */
    process_block(&f, NULL, out);
    check_ramp(out, 0.875, 0.25); /* and ramps back to the set value from its end */

    nt_stream_reset(f.stream);
    process_block(&f, NULL, out);
    check_ramp(out, 0.25, 0.25); /* what is set outlives a reset */
    close_fixture(&f);
}

static void test_curves_are_clamped(void)
{
    setup s = {.host_rate = 48000,
               .host_block = BLOCK,
               .model_rate = 48000,
               .model_block = BLOCK,
               .parameters = 1,
               .body = last_parameter};
    case_of("clamped curves", &s);
    fixture f;
    float out[BLOCK], curve[BLOCK], expected[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        curve[i] = i == 5 ? INFINITY : i == 6 ? -INFINITY : 0.05f * (float)(i - 20);
        expected[i] = i == 5 ? 1.0f : curve[i] < 0.0f ? 0.0f : curve[i] > 1.0f ? 1.0f : curve[i];
    }
    open_fixture(&f, s);
    process_block(&f, curve, out);
    for (int i = 0; i < BLOCK; i++)
        CHECK_NEAR(out[i], expected[i], 0.0);
    close_fixture(&f);
}

/* A block that is refused might as well not have been: the next one goes on where the last good one ended. */
static void test_nan_is_refused(setup s, bool curves_given)
{
    enum {
        BLOCKS = 40,
        FRAMES = BLOCKS * BLOCK
    };
    s.host_block = BLOCK;
    s.parameters = 2;
    s.body = multiply;
    case_of("NaN in a curve", &s);
    float *in = new_noise(FRAMES), *curves = new_curve(2 * FRAMES), *expected = new_floats(FRAMES);
    float out[BLOCK], broken[2 * BLOCK], unchanged[BLOCK];
    fixture f;
    open_fixture(&f, s);
    nt_stream_set_parameter(f.stream, 0, 0.5f);
    drive(&f, in, curves_given ? curves : NULL, expected, FRAMES);
    nt_stream_reset(f.stream);
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < 2 * BLOCK; i++)
            broken[i] = b % 3 == 0 && i == (b * 7) % (2 * BLOCK) ? NAN : 0.9f;
        for (int i = 0; i < BLOCK; i++)
            out[i] = unchanged[i] = 0.125f;
        uint32_t runs = f.session.runs;
        if (b % 3 == 0) {
            CHECK_EQUAL(process_planar(&f, in, 0, broken, BLOCK, out, 0, BLOCK), NT_ERROR_NAN);
            CHECK_SAME_FLOATS(out, unchanged, BLOCK);
            CHECK_EQUAL(stats_of(&f).host_blocks, b);
            CHECK_EQUAL(f.session.runs, runs);
        }
        CHECK_EQUAL(process_planar(&f, in + b * BLOCK, 0, curves_given ? curves + b * BLOCK : NULL,
                                      FRAMES, out, 0, BLOCK),
                    NT_OK);
        CHECK_SAME_FLOATS(out, expected + b * BLOCK, BLOCK);
    }
    close_fixture(&f);
    free(in);
    free(curves);
    free(expected);
}

int main(void)
{
    test_product(512, 2048, false, 0);
    test_product(441, 512, false, 100);
    test_product(2048, 300, true, 0);
    test_product(64, 0, true, 33);
    test_product(1, 1, false, 0);
    test_resampled_curves();
    test_set_values();
    test_curves_are_clamped();
    for (int given = 0; given < 2; given++) {
        test_nan_is_refused((setup){.host_rate = 48000, .model_rate = 48000, .model_block = 100}, given);
        test_nan_is_refused((setup){.host_rate = 48000, .model_rate = 44100, .kind = NT_SINC, .taps = 32},
                            given);
    }
    return 0;
}
