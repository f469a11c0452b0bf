/* A player, one call at a time: latency, taking over, sizes that do not fit, closing. The threads of the pool are
 * waited for (blocking), so that everything is exact. */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>
#include <time.h>

#include "player_fixture.h"

enum { LANES = 8 };

static lane lanes[LANES];

static void test_latency(uint32_t host_block, uint32_t model_block, uint32_t slack)
{
    enum { FRAMES = 1 << 14 };
    setup s = background_setup(host_block, model_block, slack, NT_LATE_SILENCE);
    case_of("player's latency", &s);
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    offer(player, &lanes[0], s, slack == 0);
    float *in = new_noise(FRAMES), *out = new_floats(FRAMES);
    uint32_t frames = FRAMES - FRAMES % host_block;
    for (uint32_t done = 0; done < frames; done += host_block)
        CHECK_EQUAL(process_mono(player, in + done, out + done, host_block), NT_OK);
    check_delayed(out, in, (uint32_t)s.delay, frames);
    nt_player_stats stats = player_stats(player);
    CHECK_EQUAL(stats.blocks, frames / host_block);
    CHECK_EQUAL(stats.frames, frames);
    CHECK_EQUAL(stats.late_frames + stats.lost_frames + stats.refused_blocks, 0);
    CHECK_EQUAL(stats.takeovers, 1);
    CHECK_NEAR((double)stats.audio_ns, 1e9 * frames / 48000.0, 1.0 * frames / host_block);
    CHECK(nt_player_take_output_peak(player, 0) > 0.9f);
    CHECK_NEAR(nt_player_take_output_peak(player, 0), 0.0, 0.0);
    CHECK(nt_player_take_input_peak(player, 0) > 0.9f);
    CHECK_NEAR(nt_player_take_input_peak(player, NT_METERS), 0.0, 0.0);
    free(in);
    free(out);
    close_player(pool, player, lanes, LANES);
}

/* A steady tone of 1: across a takeover the old one fades while the new one rises, without a jump. */
static void test_takeover(bool in_callback)
{
    enum { BLOCK = 64, BLOCKS = 12 };
    check_case("takeover");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(BLOCK, 0, 1, NT_LATE_SILENCE);
    offer(player, &lanes[0], s, in_callback);
    float in[BLOCK], out[BLOCKS * BLOCK];
    for (int i = 0; i < BLOCK; i++)
        in[i] = 1.0f;
    for (int k = 0; k < BLOCKS; k++) {
        if (k == 5) {
            s.fades_in = true;
            offer(player, &lanes[1], s, in_callback);
            CHECK_EQUAL(collect(player, lanes, LANES), 0);
        }
        CHECK_EQUAL(process_mono(player, in, out + k * BLOCK, BLOCK), NT_OK);
    }
    CHECK_EQUAL(collect(player, lanes, LANES), 1);
    CHECK(!lanes[0].used && lanes[1].used);
    for (int i = 2 * BLOCK; i < BLOCKS * BLOCK; i++)
        CHECK_NEAR(out[i], out[i - 1], 2.0 / BLOCK);
    CHECK_NEAR(out[5 * BLOCK - 1], 1.0, 0.0);
    CHECK_NEAR(out[6 * BLOCK - 1], 0.0, 2.0 / BLOCK);
    CHECK_NEAR(out[8 * BLOCK], 1.0, 0.0);
    CHECK_EQUAL(player_stats(player).takeovers, 2);
    close_player(pool, player, lanes, LANES);
}

/* The block of a takeover, with samples so large that any factor above 1 makes them infinite. */
static void test_loud_takeover(bool in_callback)
{
    enum { BLOCK = 512, BLOCKS = 8 };
    check_case("loud takeover");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(BLOCK, 0, 1, NT_LATE_SILENCE);
    offer(player, &lanes[0], s, in_callback);
    float in[BLOCK], out[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        in[i] = 3e38f;
    for (int k = 0; k < BLOCKS; k++) {
        if (k == 5) {
            s.fades_in = true;
            offer(player, &lanes[1], s, in_callback);
        }
        CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK);
        for (int i = 0; i < BLOCK; i++)
            CHECK(isfinite(out[i]));
        if (k == 5)
            CHECK_NEAR(out[BLOCK / 4], 3e38 * (BLOCK - 1 - BLOCK / 4) / BLOCK, 1e33);
    }
    CHECK_EQUAL(collect(player, lanes, LANES), 1);
    close_player(pool, player, lanes, LANES);
}

static void test_offers_that_nobody_takes(void)
{
    check_case("offers that nobody takes");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(64, 0, 1, NT_LATE_SILENCE);
    for (int i = 0; i < LANES; i++) {
        offer(player, &lanes[i], s, false);
        CHECK_EQUAL(collect(player, lanes, LANES), i ? 1 : 0);
    }
    close_player(pool, player, lanes, LANES);
}

/* The host announces blocks of 32 but still sends one of 64; then it changes. What fits nothing is silence. */
static void test_block_sizes(void)
{
    check_case("block sizes");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    float in[64], out[64];
    for (int i = 0; i < 64; i++)
        in[i] = 1.0f;
    CHECK_EQUAL(process_mono(player, in, out, 64), NT_ERROR_FRAMES); /* there is no stream yet */
    CHECK_NEAR(out[63], 0.0, 0.0);
    offer(player, &lanes[0], background_setup(64, 0, 1, NT_LATE_SILENCE), false);
    for (int k = 0; k < 3; k++)
        CHECK_EQUAL(process_mono(player, in, out, 64), NT_OK);
    offer(player, &lanes[1], background_setup(32, 0, 1, NT_LATE_SILENCE), false);
    CHECK_EQUAL(process_mono(player, in, out, 64), NT_OK);
    CHECK_NEAR(out[0], 1.0, 0.0);
    CHECK_EQUAL(player_stats(player).takeovers, 1);
    CHECK_EQUAL(process_mono(player, in, out, 32), NT_OK);
    CHECK_EQUAL(player_stats(player).takeovers, 2);
    out[0] = out[63] = 7.0f;
    CHECK_EQUAL(process_mono(player, in, out, 64), NT_ERROR_FRAMES);
    for (int i = 0; i < 64; i++)
        CHECK_NEAR(out[i], 0.0, 0.0);
    const float *two_in[] = {in, in};
    float other[64], *two_out[] = {out, other};
    other[0] = 7.0f;
    CHECK_EQUAL(nt_player_process(player, two_in, two_out, 2, 32, NULL), NT_ERROR_FRAMES);
    CHECK_NEAR(other[0], 0.0, 0.0);
    CHECK_EQUAL(player_stats(player).refused_blocks, 3);
    CHECK_EQUAL(process_mono(player, in, out, 32), NT_OK);
    CHECK_EQUAL(collect(player, lanes, LANES), 1);
    close_player(pool, player, lanes, LANES);
}

static void test_callback_and_close(void)
{
    check_case("callback and close");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(64, 0, 1, NT_LATE_SILENCE);
    s.parameters = 1;
    offer(player, &lanes[0], s, false);
    const nt_callback *callback = nt_player_callback(player);
    float samples[64];
    float *memory = samples;
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 64; i++)
            samples[i] = 0.5f;
        callback->process(callback->context, (const float *const *)&memory, &memory, 1, 64); /* in place */
    }
    CHECK_NEAR(samples[0], 0.5, 0.0);
    callback->set_parameter(callback->context, 0, 0.25f);
    CHECK_NEAR(nt_stream_get_parameter(lanes[0].f.stream, 0), 0.25, 0.0);
    CHECK(isnan(nt_stream_get_parameter(lanes[0].f.stream, 1)));
    callback->set_blocking(callback->context, false);
    CHECK(!nt_player_is_blocking(player));
    nt_player_close(player);
    callback->process(callback->context, (const float *const *)&memory, &memory, 1, 64);
    CHECK_NEAR(samples[63], 0.0, 0.0);
    CHECK_EQUAL(process_mono(player, samples, samples, 64), NT_ERROR_CLOSED);
    collect(player, lanes, LANES);
    callback->set_parameter(callback->context, 0, 0.75f); /* there is no stream any more */
    close_player(pool, player, lanes, LANES);
}

/* Denormals are flushed to zero wherever the session runs, and the host's own thread is left as it was. */
static void make_denormals(test_session *session, uint32_t frames)
{
    volatile float smallest = 1.17549435e-38f;
    for (uint32_t i = 0; i < frames; i++)
        output_row(session, 0, frames)[i] = smallest * 0.5f == 0.0f ? 0.25f : 0.75f;
}

static void test_denormals(bool in_callback)
{
#if defined(__SSE__) || defined(__aarch64__) || defined(_M_X64)
    check_case("denormals, %s", in_callback ? "in the callback" : "in the background");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(64, 0, in_callback ? 0 : 1, NT_LATE_SILENCE);
    s.body = make_denormals;
    offer(player, &lanes[0], s, in_callback);
    float in[64] = {0.0f}, out[64];
    volatile float smallest = 1.17549435e-38f;
    for (int k = 0; k < 3; k++) {
        CHECK_EQUAL(process_mono(player, in, out, 64), NT_OK);
        CHECK(smallest * 0.5f != 0.0f);
    }
    CHECK_NEAR(out[5], 0.25, 0.0);
    close_player(pool, player, lanes, LANES);
#else
    (void)in_callback;
#endif
}

/* A session that fails, or returns NaN, is silence for its block; the next is in place again. */
static void test_failing_session(void)
{
    enum { BLOCK = 64 };
    check_case("failing session");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    setup s = background_setup(BLOCK, 0, 1, NT_LATE_SILENCE);
    offer(player, &lanes[0], s, false);
    lanes[0].f.session.fails_at = 3;
    lanes[0].f.session.breaks_at = 5;
    float in[BLOCK], out[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        in[i] = 0.5f;
    for (int k = 1; k <= 8; k++) {
        CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK);
        CHECK_NEAR(out[1], k == 1 || k == 4 ? 0.0 : 0.5, 0.0);
        CHECK_NEAR(out[0], k == 1 || k == 4 || k == 6 ? 0.0 : 0.5, 0.0);
    }
    CHECK_EQUAL(stats_of(&lanes[0].f).failed_blocks, 1);
    CHECK_EQUAL(stats_of(&lanes[0].f).nonfinite_output, 3);
    CHECK_EQUAL(lanes[0].f.session.resets, 3); /* at the beginning, and after each of the two */
    close_player(pool, player, lanes, LANES);
}

/* A model that takes 100 ms for blocks of 85 ms. Two blocks in a row: no model could have kept up. A block after 70 ms:
 * it had its time. */
static void take_100_ms(test_session *session, uint32_t frames)
{
    struct timespec time = {0, 100000000};
    nanosleep(&time, NULL);
    pass_through(session, frames);
}

static void test_hurried(void)
{
    enum { BLOCK = 4096 };
    check_case("hurried");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    nt_player_set_blocking(player, false);
    setup s = background_setup(BLOCK, 0, 1, NT_LATE_SILENCE);
    s.body = take_100_ms;
    offer(player, &lanes[0], s, false);
    static float in[BLOCK], out[BLOCK];
    struct timespec wait = {0, 70000000};
    CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK); /* the delay's silence */
    CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK);
    CHECK_EQUAL(player_stats(player).late_frames, BLOCK);
    CHECK_EQUAL(player_stats(player).hurried_frames, BLOCK);
    nanosleep(&wait, NULL);
    CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK);
    CHECK_EQUAL(player_stats(player).late_frames, 2 * BLOCK);
    CHECK_EQUAL(player_stats(player).hurried_frames, BLOCK);
    close_player(pool, player, lanes, LANES);
}

/* Closing waits for the block that is being computed, not for all that are waiting. */
static void take_5_ms(test_session *session, uint32_t frames)
{
    struct timespec time = {0, 5000000};
    nanosleep(&time, NULL);
    pass_through(session, frames);
}

static void test_close_with_a_backlog(void)
{
    enum { BLOCK = 64 };
    check_case("close with a backlog");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    nt_player_set_blocking(player, false);
    setup s = background_setup(BLOCK, BLOCK, 1, NT_LATE_SILENCE);
    s.body = take_5_ms;
    offer(player, &lanes[0], s, false);
    static float in[BLOCK], out[BLOCK];
    for (int k = 0; k < 300; k++)
        CHECK_EQUAL(process_mono(player, in, out, BLOCK), NT_OK);
    nt_player_close(player);
    uint64_t before = stats_of(&lanes[0].f).model_blocks;
    CHECK_EQUAL(nt_player_collect(player) == lanes[0].f.stream, true);
    CHECK(stats_of(&lanes[0].f).model_blocks <= before + 2);
    CHECK(stats_of(&lanes[0].f).model_blocks < 250);
    close_fixture(&lanes[0].f);
    lanes[0].used = false;
    close_player(pool, player, lanes, LANES);
}

/* What is not finite is no level. */
static void test_peaks_are_finite(void)
{
    check_case("peaks");
    nt_pool *pool;
    nt_player *player;
    open_player(&pool, &player);
    offer(player, &lanes[0], background_setup(4, 0, 1, NT_LATE_SILENCE), false);
    float in[4] = {-0.5f, INFINITY, NAN, 0.25f}, out[4];
    CHECK_EQUAL(process_mono(player, in, out, 4), NT_OK);
    CHECK_NEAR(nt_player_take_input_peak(player, 0), 0.5, 0.0);
    close_player(pool, player, lanes, LANES);
}

static void test_arguments(void)
{
    check_case("arguments");
    nt_pool *pool;
    nt_player *player;
    CHECK_EQUAL(nt_pool_create(&pool, 0, 0), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_pool_create(&pool, NT_POOL_THREADS_MAX + 1, 0), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_pool_create(&pool, 1, -1), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_player_create(&player, NULL), NT_ERROR_ARGUMENT);
    open_player(&pool, &player);
    CHECK_EQUAL(nt_player_offer(player, NULL, 1), NT_ERROR_ARGUMENT);
    close_player(pool, player, lanes, LANES);
}

int main(void)
{
    test_latency(64, 0, 1);
    test_latency(64, 0, 0);
    test_latency(64, 512, 1);
    test_latency(64, 512, 8);
    test_latency(100, 48, 3);
    test_latency(1024, 64, 1);
    test_takeover(false);
    test_takeover(true);
    test_loud_takeover(false);
    test_loud_takeover(true);
    test_offers_that_nobody_takes();
    test_block_sizes();
    test_callback_and_close();
    test_failing_session();
    test_denormals(false);
    test_denormals(true);
    test_peaks_are_finite();
    test_hurried();
    test_close_with_a_backlog();
    test_arguments();
    return 0;
}
