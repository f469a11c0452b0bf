/* What goes wrong around a stream stays outside it: broken samples, failing sessions, wrong calls. */
#include "stream_fixture.h"

enum {
    BLOCK = 64,
    BLOCKS = 60,
    FRAMES = BLOCK * BLOCKS
};

static setup setup_at(uint32_t model_rate, uint32_t model_block)
{
    return (setup){.host_rate = 48000,
                   .host_block = BLOCK,
                   .model_rate = model_rate,
                   .model_block = model_block,
                   .kind = NT_SINC,
                   .taps = 32};
}

/* Broken input is the same as silence there, and counted. */
static void test_broken_input(setup s)
{
    case_of("broken input", &s);
    s.host_channels = s.in_channels = s.out_channels = 2;
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(2 * FRAMES), *silenced = new_floats(2 * FRAMES);
    float *out = new_floats(2 * FRAMES), *expected = new_floats(2 * FRAMES);
    uint32_t broken = 0;
    for (uint32_t i = 0; i < 2 * FRAMES; i++) {
        bool breaks = random_below(50) == 0;
        silenced[i] = breaks ? 0.0f : in[i];
        if (breaks)
            in[i] = broken % 3 == 0 ? NAN : broken % 3 == 1 ? INFINITY : -INFINITY;
        broken += breaks;
    }
    nt_stream_set_level(f.stream, NT_DRY, 0.5f);
    drive(&f, silenced, NULL, expected, FRAMES);
    CHECK_EQUAL(stats_of(&f).nonfinite_input, 0);
    nt_stream_reset(f.stream);
    drive(&f, in, NULL, out, FRAMES);
    CHECK_SAME_FLOATS(out, expected, 2 * FRAMES);
    CHECK_EQUAL(stats_of(&f).nonfinite_input, broken);
    CHECK_EQUAL(stats_of(&f).nonfinite_output, 0);
    close_fixture(&f);
    free(in);
    free(silenced);
    free(out);
    free(expected);
}

/* Broken output becomes silence, are counted, and the session is reset before its next run: its state may be
 * broken. */
static void test_broken_output(uint32_t model_block)
{
    setup s = setup_at(48000, model_block);
    case_of("broken output", &s);
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(FRAMES), *out = new_floats(FRAMES);
    f.session.breaks_at = 3;
    for (uint32_t done = 0; done < FRAMES; done += BLOCK) {
        CHECK_EQUAL(process_planar(&f, in + done, 0, NULL, 0, out + done, 0, BLOCK), NT_OK);
        if (f.session.runs <= 3)
            CHECK_EQUAL(f.session.resets, 1); /* by create */
        else
            CHECK_EQUAL(f.session.resets, 2);
        CHECK_EQUAL(f.session.resets_before_run, f.session.runs == 0 ? 0 : f.session.resets);
    }
    uint32_t block = f.schedule.session_block, first = 2 * block, delay = f.schedule.delay;
    for (uint32_t t = delay; t < FRAMES; t++) {
        uint32_t frame = t - delay;
        bool breaks = frame == first || frame == first + block / 2 || frame == first + block - 1;
        CHECK_NEAR(out[t], breaks ? 0.0f : in[frame], 0.0);
    }
    CHECK_EQUAL(stats_of(&f).nonfinite_output, 3);
    CHECK_EQUAL(stats_of(&f).failed_blocks, 0);
    close_fixture(&f);
    free(in);
    free(out);
}

static void note_nonfinite(test_session *session, uint32_t frames)
{
    uint32_t *found = session->note;
    for (uint32_t i = 0; i < frames; i++)
        *found += !isfinite(newest_input(session, 0, frames)[i]);
    pass_through(session, frames);
}

/* Interpolation between finite samples near the largest float overshoots. Neither the model nor the host sees that. */
static void test_overshoot(nt_resampler_kind kind)
{
    setup s = setup_at(44100, 0);
    s.kind = kind;
    s.body = note_nonfinite;
    case_of("overshoot", &s);
    fixture f;
    open_fixture(&f, s);
    uint32_t found = 0;
    f.session.note = &found;
    float *in = new_floats(FRAMES), *out = new_floats(FRAMES);
    for (uint32_t i = 0; i < FRAMES; i++)
        in[i] = i / 5 % 2 ? 3.4e38f : -3.4e38f;
    drive(&f, in, NULL, out, FRAMES);
    CHECK(f.session.runs > 0);
    CHECK_EQUAL(found, 0);
    for (uint32_t t = 0; t < FRAMES; t++)
        CHECK(isfinite(out[t]));
    CHECK(stats_of(&f).nonfinite_input > 0);
    close_fixture(&f);
    free(in);
    free(out);
}

/* A sum of two streams that overflows is silence, and counted; what does not overflow is exact. */
static void test_fading_overflow(void)
{
    setup s = setup_at(48000, 0);
    case_of("fading overflow", &s);
    fixture f;
    open_fixture(&f, s);
    float out[BLOCK], fading[BLOCK], *row = out;
    const float *fading_row = fading;
    for (int i = 0; i < BLOCK; i++) {
        out[i] = i < 4 ? 3e38f : 0.25f;
        fading[i] = 3e38f;
    }
    nt_stream_add_fading(f.stream, &row, &fading_row, 1, BLOCK);
    for (int i = 0; i < BLOCK; i++) {
        double sum = (double)3e38f * (BLOCK - 1 - i) / BLOCK;
        CHECK_NEAR(out[i], i < 4 ? 0.0 : sum + 0.25, 1e-6 * sum);
    }
    CHECK_EQUAL(stats_of(&f).nonfinite_output, 4);
    close_fixture(&f);
}

/* A failing session costs its block, which is silent, and a reset; the rest comes when it should. */
static void test_failing_session(setup s, uint32_t run)
{
    case_of("failing session", &s);
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(FRAMES), *out = new_floats(FRAMES);
    f.session.fails_at = run;
    uint32_t failures = 0;
    for (uint32_t done = 0; done < FRAMES; done += BLOCK) {
        uint32_t before = f.session.runs;
        nt_status status = process_planar(&f, in + done, 0, NULL, 0, out + done, 0, BLOCK);
        bool failed = before < run && f.session.runs >= run;
        CHECK_EQUAL(status, failed ? NT_ERROR_SESSION : NT_OK);
        failures += failed;
        CHECK_EQUAL(f.session.resets, f.session.runs <= run ? 1 : 2);
    }
    CHECK_EQUAL(failures, 1);
    CHECK_EQUAL(stats_of(&f).failed_blocks, 1);
    CHECK_EQUAL(stats_of(&f).starved_frames, 0);
    CHECK_EQUAL(stats_of(&f).model_blocks, f.session.runs);
    uint32_t block = f.schedule.session_block, delay = f.schedule.delay;
    for (uint32_t t = 0; t < FRAMES && s.model_rate == s.host_rate; t++) {
        bool silent = t < delay || (t - delay) / block == run - 1;
        CHECK_NEAR(out[t], silent ? 0.0f : in[t - delay], 0.0);
    }
    close_fixture(&f);
    free(in);
    free(out);
}

/* Resampled, the hole has soft edges; far from it everything is as without the failure. */
static void test_failure_leaves_the_rest(void)
{
    setup s = setup_at(44100, 147);
    case_of("failure, resampled", &s);
    fixture f;
    open_fixture(&f, s);
    float *in = new_noise(FRAMES), *good = new_floats(FRAMES), *out = new_floats(FRAMES);
    drive(&f, in, NULL, good, FRAMES);
    nt_stream_reset(f.stream);
    f.session.fails_at = f.session.runs + 5;
    for (uint32_t done = 0; done < FRAMES; done += BLOCK)
        (void)process_planar(&f, in + done, 0, NULL, 0, out + done, 0, BLOCK);
    CHECK_EQUAL(stats_of(&f).failed_blocks, 1);
    uint32_t first = f.schedule.delay + 4 * 160,
             last = f.schedule.delay + 5 * 160; /* 147 model frames are 160 */
    for (uint32_t t = 0; t < FRAMES; t++) {
        if (t + 20 < first || t > last + 20)
            CHECK_NEAR(out[t], good[t], 0.0);
        if (t > first + 20 && t + 20 < last)
            CHECK_NEAR(out[t], 0.0, 0.0);
    }
    close_fixture(&f);
    free(in);
    free(good);
    free(out);
}

static void test_session_without_reset(void)
{
    setup s = setup_at(48000, BLOCK);
    case_of("no reset", &s);
    fixture f;
    f = (fixture){.schedule = schedule_of(&s), .made_of = s};
    make_session(&f.session, &s, f.schedule.session_block);
    f.session.interface.reset = NULL;
    nt_stream_config config = config_of(&f);
    CHECK_EQUAL(nt_stream_create(&f.stream, &config), NT_OK);
    f.session.fails_at = 2;
    f.session.breaks_at = 4;
    float block[BLOCK] = {0};
    for (uint32_t i = 1; i < 8; i++)
        CHECK_EQUAL(process_planar(&f, block, 0, NULL, 0, block, 0, BLOCK),
                    i == 2 ? NT_ERROR_SESSION : NT_OK);
    nt_stream_reset(f.stream);
    close_fixture(&f);
}

/* A wrong number of frames is refused before anything happens. */
static void test_wrong_frames(bool varies)
{
    setup s = setup_at(44100, 100);
    s.varies = varies;
    case_of("wrong frames", &s);
    fixture f;
    open_fixture(&f, s);
    float in[BLOCK + 1], out[BLOCK + 1], unchanged[BLOCK + 1];
    for (int i = 0; i <= BLOCK; i++) {
        in[i] = 0.5f;
        out[i] = unchanged[i] = 0.25f;
    }
    static const uint32_t sizes[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, UINT32_MAX};
    uint64_t blocks = 0;
    for (int i = 0; i < 6; i++) {
        bool accepted = sizes[i] == BLOCK || (varies && sizes[i] < BLOCK);
        memcpy(out, unchanged, sizeof out);
        CHECK_EQUAL(process_planar(&f, in, 0, NULL, 0, out, 0, sizes[i]),
                    accepted ? NT_OK : NT_ERROR_FRAMES);
        if (!accepted || sizes[i] == 0)
            CHECK_SAME_FLOATS(out, unchanged, BLOCK + 1);
        blocks += accepted && sizes[i] > 0;
        CHECK_EQUAL(stats_of(&f).host_blocks, blocks);
    }
    close_fixture(&f);
}

static nt_status status_of(const nt_stream_config *config)
{
    int occupied = 0;
    nt_stream *stream = (nt_stream *)(void *)&occupied;
    nt_status status = nt_stream_create(&stream, config);
    CHECK((stream != NULL) == (status == NT_OK)); /* a failed create leaves NULL behind */
    nt_stream_destroy(stream);
    return status;
}

static void test_config(void)
{
    setup s = setup_at(44100, 100);
    s.parameters = 1;
    case_of("config", &s);
    fixture f;
    open_fixture(&f, s);
    const nt_stream_config good = config_of(&f);
    nt_stream_config bad;
#define CHECK_BAD(field, value, expected)       \
    do {                                        \
        bad = good;                             \
        bad.field = value;                      \
        CHECK_EQUAL(status_of(&bad), expected); \
    } while (0)
    CHECK_EQUAL(status_of(&good), NT_OK);
    CHECK_EQUAL(nt_stream_create(NULL, &good), NT_ERROR_ARGUMENT);
    nt_stream *none = NULL;
    CHECK_EQUAL(nt_stream_create(&none, NULL), NT_ERROR_ARGUMENT);
    CHECK_BAD(session.run, NULL, NT_ERROR_ARGUMENT);
    CHECK_BAD(session.version, 0, NT_ERROR_ARGUMENT);
    CHECK_BAD(session.version, NT_SESSION_VERSION + 1, NT_ERROR_ARGUMENT);
    CHECK_BAD(exchange.audio_in, NULL, NT_ERROR_ARGUMENT);
    CHECK_BAD(exchange.audio_out, NULL, NT_ERROR_ARGUMENT);
    CHECK_BAD(exchange.params, NULL, NT_ERROR_ARGUMENT);
    CHECK_BAD(delay, -2, NT_ERROR_ARGUMENT);
    CHECK_BAD(delay, INT64_MAX, NT_ERROR_ARGUMENT);
    CHECK_BAD(host_channels, 0, NT_ERROR_CHANNELS);
    CHECK_BAD(host_channels, NT_CHANNELS_MAX + 1, NT_ERROR_CHANNELS);
    CHECK_BAD(exchange.in_channels, 0, NT_ERROR_CHANNELS);
    CHECK_BAD(exchange.in_channels, NT_CHANNELS_MAX + 1, NT_ERROR_CHANNELS);
    CHECK_BAD(exchange.out_channels, 0, NT_ERROR_CHANNELS);
    CHECK_BAD(exchange.out_channels, NT_CHANNELS_MAX + 1, NT_ERROR_CHANNELS);
    CHECK_BAD(exchange.parameters, NT_CHANNELS_MAX + 1, NT_ERROR_CHANNELS);
    CHECK_BAD(schedule.host_block, 0, NT_ERROR_BLOCK);
    CHECK_BAD(schedule.host_block, NT_BLOCK_MAX + 1, NT_ERROR_BLOCK);
    CHECK_BAD(schedule.session_block, 0, NT_ERROR_BLOCK);
    CHECK_BAD(exchange.look_behind, NT_BLOCK_MAX + 1, NT_ERROR_BLOCK);
    CHECK_BAD(schedule.taps, 7, NT_ERROR_TAPS);
    CHECK_BAD(schedule.kind, (nt_resampler_kind)9, NT_ERROR_KIND);
    CHECK_BAD(schedule.host_rate, 0, NT_ERROR_RATE);
    /* Fields that do not belong together: memory would be made for one and used for the other. */
    CHECK_BAD(schedule.host_block, 2 * BLOCK, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.host_rate, 96000, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.model_rate, 96000, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.arrivals, 1, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.session_block, 1, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.lookahead_in, 0, NT_ERROR_ARGUMENT);
    CHECK_BAD(schedule.delay, 0, NT_ERROR_ARGUMENT);
#undef CHECK_BAD
    nt_stream_destroy(NULL);
    close_fixture(&f);
}

int main(void)
{
    test_broken_input(setup_at(48000, 100));
    test_broken_input(setup_at(44100, 100));
    static const uint32_t blocks[] = {0, 1 + BLOCK / 3, BLOCK, 200};
    for (int i = 0; i < 4; i++) {
        test_broken_output(blocks[i]);
        test_failing_session(setup_at(48000, blocks[i]), 1);
        test_failing_session(setup_at(48000, blocks[i]), 4);
        test_failing_session(setup_at(44100, blocks[i]), 4);
    }
    test_overshoot(NT_LINEAR);
    test_overshoot(NT_HERMITE);
    test_overshoot(NT_SINC);
    test_fading_overflow();
    test_failure_leaves_the_rest();
    test_session_without_reset();
    test_wrong_frames(false);
    test_wrong_frames(true);
    test_config();
    return 0;
}
