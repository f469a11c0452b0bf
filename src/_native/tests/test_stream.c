/* The delay of a stream: when an impulse comes out, that the delay is the least possible, and what happens with
 * less. */
#include "brute_force.h"
#include "stream_fixture.h"

static uint32_t whole_blocks(uint32_t frames, uint32_t block)
{
    return (frames + block - 1) / block * block;
}

/* Every way of being asked for a model's block, at one rate: what comes out is what went in, D later. */
static void test_no_resampling(setup s)
{
    case_of("no resampling", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t frames = whole_blocks(3 * f.schedule.delay + 4000, s.host_block), delay = f.schedule.delay;
    float *in = new_noise(frames), *out = new_floats(frames), *impulse = new_floats(frames);
    drive(&f, in, NULL, out, frames);
    check_delayed(out, in, delay, frames);
    CHECK_EQUAL(stats_of(&f).starved_frames, 0);
    CHECK(f.session.largest <= f.schedule.session_block);

    for (uint32_t position = 0; position < 1000; position += 333) {
        nt_stream_reset(f.stream);
        memset(impulse, 0, frames * sizeof(float));
        impulse[position] = 1.0f;
        drive(&f, impulse, NULL, out, frames);
        for (uint32_t t = 0; t < frames; t++)
            CHECK_NEAR(out[t], t == position + delay ? 1.0f : 0.0f, 0.0);
    }
    close_fixture(&f);
    free(in);
    free(out);
    free(impulse);
}

static void test_one_rate(void)
{
    static const uint32_t blocks[][2] = {{512, 2048}, {2048, 512}, {441, 512}, {1, 64}, {64, 1},
                                         {100, 128},  {480, 480},  {512, 0},   {7, 5},  {1000, 4096}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        setup s = {
            .host_rate = 48000, .model_rate = 48000, .host_block = blocks[i][0], .model_block = blocks[i][1]};
        test_no_resampling(s);
        s.varies = true;
        test_no_resampling(s);
    }
}

static uint32_t place_of_peak(const float *x, uint32_t frames)
{
    uint32_t best = 0;
    for (uint32_t t = 1; t < frames; t++)
        if (fabsf(x[t]) > fabsf(x[best]))
            best = t;
    return best;
}

/* The peak of the output for an impulse at `position`. */
static float impulse_peak(fixture *f, uint32_t position, uint32_t frames, uint32_t *place)
{
    float *in = new_floats(frames), *out = new_floats(frames);
    in[position] = 1.0f;
    nt_stream_reset(f->stream);
    drive(f, in, NULL, out, frames);
    *place = place_of_peak(out, frames);
    float peak = out[*place];
    free(in);
    free(out);
    return peak;
}

/* An impulse at a frame that both rates share survives linear and Hermite interpolation unchanged. Sinc keeps
 * the band that both rates have: the height of what is left is the lower rate over the host's, minus the
 * slopes of two filters. At other frames the peak is checked only if the model's rate is not far below the
 * host's, because otherwise it may fall between two frames. */
static void test_impulses(setup s)
{
    case_of("impulse", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t M = s.host_rate / (uint32_t)common_divisor(s.host_rate, s.model_rate), place;
    uint32_t frames = whole_blocks(f.schedule.delay + 2 * M + 2000, s.host_block);
    double kept = s.model_rate < s.host_rate ? (double)s.model_rate / s.host_rate : 1.0;
    for (uint32_t position = 2 * M; position > 0; position -= M) {
        float peak = impulse_peak(&f, position, frames, &place);
        CHECK_EQUAL(place, position + f.schedule.delay);
        CHECK_NEAR(peak, s.kind == NT_SINC ? 0.95 * kept : 1.0, s.kind == NT_SINC ? 0.05 * kept : 1e-6);
    }
    for (uint32_t position = 300; position < 308 && kept > 0.7; position++) {
        float peak = impulse_peak(&f, position, frames, &place);
        CHECK_EQUAL(place, position + f.schedule.delay);
        CHECK(s.kind != NT_SINC || peak > 0.8f);
    }
    CHECK_EQUAL(stats_of(&f).starved_frames, 0);
    close_fixture(&f);
}

static const setup RATES_AND_BLOCKS[] = {
    {.host_rate = 48000, .host_block = 512, .model_rate = 44100, .model_block = 2048},
    {.host_rate = 48000, .host_block = 1024, .model_rate = 44100, .model_block = 512},
    {.host_rate = 44100, .host_block = 441, .model_rate = 48000, .model_block = 480},
    {.host_rate = 96000, .host_block = 512, .model_rate = 44100, .model_block = 1024},
    {.host_rate = 44100, .host_block = 128, .model_rate = 96000, .model_block = 100},
    {.host_rate = 16000, .host_block = 64, .model_rate = 48000, .model_block = 1024},
    {.host_rate = 48000, .host_block = 480, .model_rate = 16000, .model_block = 1},
    {.host_rate = 192000, .host_block = 1000, .model_rate = 44100, .model_block = 32},
    {.host_rate = 8000, .host_block = 16, .model_rate = 44100, .model_block = 128},
    {.host_rate = 48000, .host_block = 256, .model_rate = 44100, .model_block = 0},
    {.host_rate = 44100, .host_block = 100, .model_rate = 88200, .model_block = 0},
    {.host_rate = 48000, .host_block = 1, .model_rate = 44100, .model_block = 16},
};
enum {
    SETUPS = sizeof RATES_AND_BLOCKS / sizeof RATES_AND_BLOCKS[0]
};

static const struct {
    nt_resampler_kind kind;
    uint32_t taps;
} QUALITIES[] = {{NT_LINEAR, 0}, {NT_HERMITE, 0}, {NT_SINC, 32}};

/* Host frames that come too late with a delay of d, from the definition: what block k lacks at its end, at
 * most n. */
static int64_t late_frames(const conversion *c, int64_t d, int64_t n, int64_t blocks)
{
    int64_t late = 0;
    for (int64_t k = 1; k <= blocks; k++) {
        int64_t missing = k * n - d - returned_after(c, k * n);
        late += missing < 0 ? 0 : missing < n ? missing : n;
    }
    return late;
}

/* Whether frame t was there in time, and the same sample as with enough delay. */
static void check_late_output(const conversion *c, const float *out, const float *expected, int64_t d,
                              int64_t D, int64_t n, int64_t frames)
{
    for (int64_t t = 0; t + D - d < frames; t++) {
        bool in_time = t - d < returned_after(c, (t / n + 1) * n);
        CHECK_NEAR(out[t], in_time ? expected[t + D - d] : 0.0f, 0.0);
    }
}

static void drive_with_delay(setup s, int64_t delay, const conversion *c, const float *in,
                             const float *expected, float *out, uint32_t frames)
{
    fixture f;
    s.has_delay = true;
    s.delay = delay;
    check_case("delay %lld: host %u / %u, model %u / %u, kind %d", (long long)delay, s.host_rate,
               s.host_block, s.model_rate, s.model_block, (int)s.kind);
    open_fixture(&f, s);
    drive(&f, in, NULL, out, frames);
    int64_t late = late_frames(c, delay, s.host_block, frames / s.host_block);
    CHECK_EQUAL(stats_of(&f).starved_frames, late);
    CHECK((late > 0) == (delay < f.schedule.delay));
    if (expected)
        check_late_output(c, out, expected, delay, f.schedule.delay, s.host_block, frames);
    close_fixture(&f);
}

/* Over a full period: the schedule's delay is enough, one frame less is not, and late frames are silence, are
 * dropped when they come, and shift nothing. */
static void test_least_delay(setup s)
{
    case_of("least delay", &s);
    conversion c = new_conversion(s.kind, s.taps, s.host_rate, s.model_rate, s.model_block);
    int64_t blocks = period_of(&c, s.host_block) + start_of(&c, s.host_block);
    CHECK(blocks * s.host_block < 600000); /* a choice of this test, for its own time */
    uint32_t frames = (uint32_t)blocks * s.host_block, D = schedule_of(&s).delay;
    float *in = new_noise(frames), *expected = new_floats(frames), *out = new_floats(frames);
    drive_with_delay(s, D, &c, in, NULL, expected, frames);
    drive_with_delay(s, (int64_t)D - 1, &c, in, expected, out, frames);
    drive_with_delay(s, D / 2, &c, in, expected, out, frames);
    drive_with_delay(s, 0, &c, in, expected, out, frames);
    drive_with_delay(s, (int64_t)D + 3, &c, in, NULL, out, frames);
    CHECK_SAME_FLOATS(out + 3, expected, frames - 3);
    free(in);
    free(expected);
    free(out);
}

/* Blocks of any size up to a maximum: no starvation, and the same audio as in fixed blocks, only later. */
static void test_varying_blocks(setup s)
{
    case_of("varying blocks", &s);
    uint32_t frames = whole_blocks(40000, s.host_block);
    float *in = new_noise(frames), *fixed = new_floats(frames), *varying = new_floats(frames);
    fixture f;
    open_fixture(&f, s);
    uint32_t fixed_delay = f.schedule.delay;
    drive(&f, in, NULL, fixed, frames);
    close_fixture(&f);

    s.varies = true;
    open_fixture(&f, s);
    uint32_t later = f.schedule.delay - fixed_delay;
    drive(&f, in, NULL, varying, frames);
    CHECK_EQUAL(stats_of(&f).starved_frames, 0);
    CHECK_EQUAL(stats_of(&f).host_frames, frames);
    for (uint32_t t = 0; t < frames; t++)
        CHECK_NEAR(varying[t], t < later ? 0.0f : fixed[t - later], 0.0);
    close_fixture(&f);
    free(in);
    free(fixed);
    free(varying);
}

/* Blocks of one frame meet every position: there the delay of varying blocks is the least, too. */
static void test_varying_delay_is_least(setup s)
{
    conversion c = new_conversion(s.kind, s.taps, s.host_rate, s.model_rate, s.model_block);
    uint32_t frames = (uint32_t)(period_of(&c, 1) + start_of(&c, 1));
    s.varies = true;
    float *silence = new_floats(frames), *out = new_floats(frames);
    for (int64_t less = 0; less < 2; less++) {
        fixture f;
        case_of(less ? "varying, less" : "varying, least", &s);
        setup changed = s;
        changed.has_delay = true;
        changed.delay = (int64_t)schedule_of(&s).delay - less;
        open_fixture(&f, changed);
        for (uint32_t t = 0; t < frames; t++)
            CHECK_EQUAL(process_planar(&f, silence + t, 0, NULL, 0, out + t, 0, 1), NT_OK);
        CHECK((stats_of(&f).starved_frames > 0) == (less > 0));
        close_fixture(&f);
    }
    free(silence);
    free(out);
}

/* Returns the oldest frames it is shown: those that lie look_behind before the block. */
static void oldest_input(test_session *session, uint32_t frames)
{
    memcpy(session->audio_out, session->audio_in, frames * sizeof(float));
}

static void test_look_behind(void)
{
    static const uint32_t cases[][3] = {
        {512, 2048, 100}, {512, 128, 1000}, {100, 64, 1}, {64, 0, 333}, {512, 512, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup s = {.host_rate = 48000,
                   .host_block = cases[i][0],
                   .model_rate = 48000,
                   .model_block = cases[i][1],
                   .look_behind = cases[i][2],
                   .body = oldest_input};
        case_of("look-behind", &s);
        fixture f;
        open_fixture(&f, s);
        uint32_t frames = whole_blocks(12000, s.host_block);
        float *in = new_noise(frames), *out = new_floats(frames);
        drive(&f, in, NULL, out, frames);
        check_delayed(out, in, f.schedule.delay + s.look_behind, frames);
        close_fixture(&f);
        free(in);
        free(out);
    }
}

/* 147 model frames are 160 host frames: a look-behind of twice that is 320 of the host's. */
static void test_look_behind_in_model_frames(void)
{
    for (uint32_t model_block = 0; model_block <= 512; model_block += 256) {
        setup s = {.host_rate = 48000,
                   .host_block = 480,
                   .model_rate = 44100,
                   .model_block = model_block,
                   .look_behind = 2 * 147,
                   .body = oldest_input};
        case_of("look-behind, resampled", &s);
        fixture f;
        open_fixture(&f, s);
        uint32_t place;
        CHECK_NEAR(impulse_peak(&f, 3 * 160, 4800, &place), 1.0, 1e-6);
        CHECK_EQUAL(place, 3 * 160 + f.schedule.delay + 320);
        close_fixture(&f);
    }
}

/* Resampling, folding, mixing and gains at once, over the same memory and over another. */
static void test_in_place_and_reset(bool varies)
{
    setup s = {.host_rate = 48000,
               .host_block = 256,
               .model_rate = 44100,
               .model_block = 300,
               .kind = NT_SINC,
               .taps = 32,
               .varies = varies,
               .host_channels = 2,
               .in_channels = 1,
               .out_channels = 3};
    case_of("in place, reset", &s);
    enum {
        FRAMES = 256 * 40
    };
    float *in = new_noise(2 * FRAMES), *apart = new_floats(2 * FRAMES), *again = new_floats(2 * FRAMES);
    fixture f;
    open_fixture(&f, s);
    nt_stream_set_level(f.stream, NT_DRY, 0.4f);
    nt_stream_set_level(f.stream, NT_OUTPUT_GAIN, 0.7f);
    uint32_t seed = random_state;
    drive(&f, in, NULL, apart, FRAMES);

    nt_stream_reset(f.stream);
    CHECK_EQUAL(stats_of(&f).host_frames, 0);
    CHECK_EQUAL(f.session.resets, 2); /* the first by create */
    random_state = seed;              /* the same blocks */
    drive(&f, in, NULL, again, FRAMES);
    CHECK_SAME_FLOATS(again, apart, 2 * FRAMES);

    nt_stream_reset(f.stream);
    random_state = seed;
    drive(&f, in, NULL, in, FRAMES);
    CHECK_SAME_FLOATS(in, apart, 2 * FRAMES);
    close_fixture(&f);
    free(in);
    free(apart);
    free(again);
}

static void test_statistics(void)
{
    setup s = {.host_rate = 48000, .host_block = 480, .model_rate = 44100, .model_block = 100};
    case_of("statistics", &s);
    fixture f;
    open_fixture(&f, s);
    float in[480] = {0}, out[480];
    for (int i = 0; i < 100; i++)
        CHECK_EQUAL(process_planar(&f, in, 0, NULL, 0, out, 0, 480), NT_OK);
    nt_stream_stats stats = stats_of(&f);
    CHECK_EQUAL(stats.host_blocks, 100);
    CHECK_EQUAL(stats.host_frames, 48000);
    CHECK_EQUAL(stats.model_frames, 44100); /* ceil(47999 * 147 / 160): whole blocks as it happens */
    CHECK_EQUAL(stats.model_blocks, 441);
    CHECK_EQUAL(f.session.runs, 441);
    close_fixture(&f);
}

/* The three parts, as a player calls them. */
static void test_parts(void)
{
    setup s = {
        .host_rate = 48000, .host_block = 64, .model_rate = 44100, .model_block = 128, .kind = NT_HERMITE};
    case_of("write, run, read", &s);
    enum {
        FRAMES = 64 * 60
    };
    float *in = new_noise(FRAMES), *whole = new_floats(FRAMES), *parts = new_floats(FRAMES);
    fixture f;
    open_fixture(&f, s);
    drive(&f, in, NULL, whole, FRAMES);
    nt_stream_reset(f.stream);
    for (uint32_t done = 0; done < FRAMES; done += 64) {
        CHECK_EQUAL(write_planar(&f, in + done, 0, NULL, 0, 64), NT_OK);
        CHECK_EQUAL(nt_stream_run(f.stream, NULL), NT_OK);
        read_planar(&f, parts + done, 0, 64);
    }
    for (uint32_t t = 0; t < FRAMES; t++)
        CHECK_NEAR(parts[t], whole[t],
                   1e-30); /* nt_stream_process flushes denormals; write and read leave that to callers */
    close_fixture(&f);
    free(in);
    free(whole);
    free(parts);
}

int main(void)
{
    test_one_rate();
    for (int i = 0; i < SETUPS; i++) {
        for (int q = 0; q < 3; q++) {
            setup s = RATES_AND_BLOCKS[i];
            s.kind = QUALITIES[q].kind;
            s.taps = QUALITIES[q].taps;
            test_impulses(s);
            test_least_delay(s);
            test_varying_blocks(s);
        }
    }
    test_varying_delay_is_least(
        (setup){.host_rate = 48000, .host_block = 512, .model_rate = 44100, .model_block = 512});
    test_varying_delay_is_least(
        (setup){.host_rate = 44100, .host_block = 8, .model_rate = 48000, .kind = NT_HERMITE});
    test_varying_delay_is_least(
        (setup){.host_rate = 48000, .host_block = 64, .model_rate = 48000, .model_block = 480});
    test_look_behind();
    test_look_behind_in_model_frames();
    test_in_place_and_reset(false);
    test_in_place_and_reset(true);
    test_statistics();
    test_parts();
    return 0;
}
