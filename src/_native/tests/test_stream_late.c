/* A model that is late, on a clock of its own: time goes by in host blocks, and each model block takes as long as
 * the test says. Which frames are late, lost and in time follows from that by counting, without any stream; the stream
 * must agree frame by frame, for half an hour of audio. */
#include "stream_fixture.h"

enum {
    BLOCK = 64,
    HALF_AN_HOUR = 30 * 60 * 48000 / BLOCK /* host blocks */
};

/* Every frame has a value of its own (for a long while), never 0. */
static float value_of(uint64_t position)
{
    return (float)(1 + (position * 2654435761u) % 16777213u) / 16777216.0f;
}

/* Twice the input, so that it cannot be taken for the dry signal. */
static void twice(test_session *session, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++)
        output_row(session, 0, frames)[i] = 2.0f * newest_input(session, 0, frames)[i];
}

/* The model's pace: how many host blocks a model block takes. */
typedef double (*pace)(uint64_t host_block);

static double steady(uint64_t host_block)
{
    (void)host_block;
    return 0.4;
}

/* Mostly quick, sometimes late by a few blocks, seldom for so long that the backlog overflows. */
static double moody(uint64_t host_block)
{
    (void)host_block;
    uint32_t mood = random_below(10000);
    return mood == 0 ? 1500.0 : mood < 10 ? 40.0 : mood < 300 ? 1.0 + random_below(6) : 0.1 * (1 + random_below(7));
}

/* Ten times too slow for a while in the middle. */
static double overloaded(uint64_t host_block)
{
    return host_block > 2000 && host_block < 6000 ? 10.0 : 0.4;
}

typedef struct expectation {
    uint64_t delay;        /* host frames */
    unsigned char *lost;   /* of each host block, whether the model never heard it */
    uint64_t heard;        /* of the frames that it did hear, those counted in `known` */
    uint64_t known;        /* host frames whose output is known, in order */
    float history[BLOCK];  /* what was last heard in time */
    uint32_t repeat_at;
    float repeat_gain;
    uint64_t late_frames;
} expectation;

static void advance(expectation *e, uint64_t written, uint64_t model_frames)
{
    while (e->known < written) {
        if (!e->lost[e->known / BLOCK]) {
            if (e->heard == model_frames)
                return;
            e->heard++;
        }
        e->known++;
    }
}

static float expected_in_time(const expectation *e, uint64_t position)
{
    if (position < e->delay)
        return 0.0f;
    uint64_t source = position - e->delay;
    return e->lost[source / BLOCK] ? 0.0f : 2.0f * value_of(source);
}

static float expected_late(expectation *e, nt_late late, uint64_t position)
{
    if (late == NT_LATE_SILENCE)
        return 0.0f;
    if (late == NT_LATE_DRY)
        return value_of(position - e->delay);
    float sample = e->repeat_gain * e->history[e->repeat_at];
    if (++e->repeat_at == BLOCK) {
        e->repeat_at = 0;
        e->repeat_gain *= 0.5f;
    }
    return sample;
}

static void check_block(expectation *e, nt_late late, uint64_t first, const float *out)
{
    uint32_t in_time = 0;
    while (in_time < BLOCK && first + in_time < e->delay + e->known)
        in_time++;
    float kept[BLOCK];
    memcpy(kept, e->history + in_time, (BLOCK - in_time) * sizeof(float));
    for (uint32_t i = 0; i < in_time; i++) {
        CHECK_NEAR(out[i], expected_in_time(e, first + i), 0.0);
        kept[BLOCK - in_time + i] = out[i];
    }
    if (in_time) {
        memcpy(e->history, kept, sizeof kept);
        e->repeat_at = 0;
        e->repeat_gain = 0.5f;
    }
    for (uint32_t i = in_time; i < BLOCK; i++)
        CHECK_NEAR(out[i], expected_late(e, late, first + i), 0.0);
    e->late_frames += BLOCK - in_time;
}

/* Returns the statistics at the end, for the test to see that what it meant to happen did. */
static nt_stream_stats play(uint32_t model_block, uint32_t slack, nt_late late, pace takes, uint64_t blocks)
{
    setup s = {.host_rate = 48000,
               .host_block = BLOCK,
               .model_rate = 48000,
               .model_block = model_block,
               .late = late,
               .backlog = 24000,
               .body = twice,
               .has_delay = true};
    s.delay = schedule_of(&s).delay + slack * BLOCK;
    fixture f;
    open_fixture(&f, s);
    case_of("late", &s);
    expectation e = {.delay = (uint64_t)s.delay, .lost = new_array(blocks, 1), .repeat_gain = 1.0f};
    float in[BLOCK], out[BLOCK];
    double left = 0.0; /* of the model block at hand */
    bool busy = false;
    for (uint64_t k = 0; k < blocks; k++) {
        for (uint32_t i = 0; i < BLOCK; i++)
            in[i] = value_of(k * BLOCK + i);
        uint64_t lost_before = stats_of(&f).lost_frames;
        CHECK_EQUAL(write_planar(&f, in, 0, NULL, 0, BLOCK), NT_OK);
        e.lost[k] = stats_of(&f).lost_frames != lost_before;
        if (slack == 0) /* the model has no time at all but what it takes of the callback */
            CHECK_EQUAL(nt_stream_run(f.stream, NULL), NT_OK);
        advance(&e, (k + 1) * BLOCK, stats_of(&f).model_frames);
        read_planar(&f, out, 0, BLOCK);
        check_block(&e, late, k * BLOCK, out);
        CHECK_EQUAL(stats_of(&f).starved_frames, e.late_frames);
        /* Until the next block comes. What takes longer than that is not there yet. */
        for (double time = 1.0; time > 0.0;) {
            if (!busy)
                left = takes(k);
            busy = true;
            if (left > time) {
                left -= time;
                break;
            }
            time -= left;
            busy = false;
            nt_status status;
            if (!nt_stream_run_block(f.stream, NULL, &status))
                break;
            CHECK_EQUAL(status, NT_OK);
        }
    }
    nt_stream_stats stats = stats_of(&f);
    CHECK_EQUAL(stats.host_frames, blocks * BLOCK);
    free(e.lost);
    close_fixture(&f);
    return stats;
}

static void test_in_time(void)
{
    static const uint32_t model_blocks[] = {0, 64, 48, 100};
    for (int i = 0; i < 4; i++) {
        nt_stream_stats stats = play(model_blocks[i], model_blocks[i] == 48 ? 2 : 1, NT_LATE_SILENCE, steady, 2000);
        CHECK_EQUAL(stats.starved_frames, 0);
        CHECK_EQUAL(stats.lost_frames, 0);
    }
    CHECK_EQUAL(play(0, 0, NT_LATE_SILENCE, steady, 2000).starved_frames, 0);
}

static void test_half_an_hour(void)
{
    static const nt_late modes[] = {NT_LATE_SILENCE, NT_LATE_DRY, NT_LATE_REPEAT};
    static const uint32_t model_blocks[] = {0, 64, 150};
    for (int i = 0; i < 3; i++) {
        nt_stream_stats stats = play(model_blocks[i], 1 + (uint32_t)i, modes[i], moody, HALF_AN_HOUR / 3);
        CHECK(stats.starved_frames > 1000);
        CHECK(stats.lost_frames > 1000);
        CHECK(stats.starved_frames < stats.host_frames / 2);
    }
}

static void test_overload_ends(void)
{
    nt_stream_stats stats = play(64, 1, NT_LATE_SILENCE, overloaded, 12000);
    CHECK(stats.lost_frames > 3000 * BLOCK);
    CHECK(stats.starved_frames < 6000 * BLOCK);
}

/* What a stream puts out in time is what it would have put out synchronously, resampled and with parameters too. */
static void follow(test_session *session, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++)
        output_row(session, 0, frames)[i] = session->params[i] * newest_input(session, 0, frames)[i];
}

static void test_against_synchronous(uint32_t model_rate, uint32_t model_block, nt_resampler_kind kind)
{
    enum { SLACK = 2, BLOCKS = 3000 };
    setup s = {.host_rate = 48000,
               .host_block = BLOCK,
               .model_rate = model_rate,
               .model_block = model_block,
               .kind = kind,
               .taps = 32,
               .parameters = 1,
               .look_behind = 10,
               .body = follow,
               .has_delay = true,
               .backlog = 30000};
    s.delay = schedule_of(&s).delay + SLACK * BLOCK;
    fixture at_once, late;
    open_fixture(&at_once, s);
    open_fixture(&late, s);
    case_of("late against synchronous", &s);
    uint32_t waits = 0, starved = 0;
    for (uint32_t k = 0; k < BLOCKS; k++) {
        float in[BLOCK], curve[BLOCK], wanted[BLOCK], out[BLOCK];
        for (uint32_t i = 0; i < BLOCK; i++) {
            in[i] = random_sample();
            curve[i] = 0.5f + 0.5f * random_sample();
        }
        CHECK_EQUAL(process_planar(&at_once, in, 0, curve, 0, wanted, 0, BLOCK), NT_OK);
        CHECK_EQUAL(write_planar(&late, in, 0, curve, 0, BLOCK), NT_OK);
        uint64_t before = stats_of(&late).starved_frames;
        read_planar(&late, out, 0, BLOCK);
        uint32_t in_time = BLOCK - (uint32_t)(stats_of(&late).starved_frames - before);
        CHECK_SAME_FLOATS(out, wanted, in_time);
        for (uint32_t i = in_time; i < BLOCK; i++)
            CHECK_NEAR(out[i], 0.0, 0.0);
        if (waits == 0 && random_below(30) == 0)
            waits = 1 + random_below(50);
        if (waits)
            waits--;
        else
            CHECK_EQUAL(nt_stream_run(late.stream, NULL), NT_OK);
        starved += in_time < BLOCK;
    }
    CHECK(starved > 100);
    CHECK_EQUAL(stats_of(&late).lost_frames, 0);
    close_fixture(&at_once);
    close_fixture(&late);
}

static void test_fades_in(void)
{
    setup s = {.host_rate = 48000, .host_block = BLOCK, .model_rate = 48000, .fades_in = true};
    fixture f;
    open_fixture(&f, s);
    case_of("fades in", &s);
    float in[2 * BLOCK], out[2 * BLOCK];
    for (int i = 0; i < 2 * BLOCK; i++)
        in[i] = 1.0f;
    drive(&f, in, NULL, out, 2 * BLOCK);
    CHECK_NEAR(out[0], 0.0, 1.0 / BLOCK);
    for (int i = 1; i < 2 * BLOCK; i++) {
        CHECK(out[i] >= out[i - 1]);
        CHECK_NEAR(out[i], out[i - 1], 1.5 / BLOCK);
    }
    CHECK_SAME_FLOATS(out + BLOCK, in + BLOCK, BLOCK);
    close_fixture(&f);
}

int main(void)
{
    test_in_time();
    test_half_an_hour();
    test_overload_ends();
    test_against_synchronous(48000, 64, NT_LINEAR);
    test_against_synchronous(44100, 512, NT_SINC);
    test_against_synchronous(44100, 0, NT_HERMITE);
    test_against_synchronous(96000, 256, NT_LINEAR);
    test_fades_in();
    return 0;
}
