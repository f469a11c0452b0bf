/* Several engines at once on a small pool, each with an audio thread of its own, while a control thread replaces their
 * streams, sets parameters and reads statistics. Under ThreadSanitizer an access that nothing orders is reported.
 *
 * The input counts its frames from 1, so that whatever comes out tells where it came from. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "player_fixture.h"

enum { ENGINES = 4, LANES = 6, THREADS = 2, BLOCK = 32, COUNTED = 1 << 24 };

typedef struct engine {
    nt_player *player;
    lane lanes[LANES];
    uint32_t blocks;
    bool blocking;
    _Atomic bool done;
    uint64_t silent, disorder; /* frames, as the audio thread found them */
} engine;

/* A model that hears every frame once and in order, whoever runs it. `note` is the last frame. */
static void watch_order(test_session *session, uint32_t frames)
{
    float *last = session->note;
    for (uint32_t i = 0; i < frames; i++) {
        float now = newest_input(session, 0, frames)[i];
        /* The first block of a stream may fade in. */
        if (now >= BLOCK && *last >= BLOCK)
            CHECK(now > *last || now < BLOCK * 2);
        *last = now;
    }
    pass_through(session, frames);
}

static void *play(void *argument)
{
    engine *e = argument;
    float in[BLOCK], out[BLOCK], last = 0.0f;
    uint32_t count = 1;
    for (uint32_t k = 0; k < e->blocks; k++) {
        for (int i = 0; i < BLOCK; i++)
            in[i] = (float)(count + (uint32_t)i);
        count = count + BLOCK >= COUNTED ? 1 : count + BLOCK;
        nt_status status = process_mono(e->player, in, out, BLOCK);
        CHECK(status == NT_OK);
        nt_player_set_parameter(e->player, 0, 0.5f);
        for (int i = 0; i < BLOCK; i++) {
            if (out[i] == 0.0f) {
                e->silent++;
                continue;
            }
            e->disorder += out[i] <= last; /* but for gaps, one follows the other */
            last = out[i];
        }
        if (!e->blocking && k % 3 == 0)
            sched_yield();
    }
    atomic_store(&e->done, true);
    return NULL;
}

static float last_frames[ENGINES][LANES];

static void replace(engine *e, int number)
{
    collect(e->player, e->lanes, LANES);
    int free_lane = 0;
    while (free_lane < LANES && e->lanes[free_lane].used)
        free_lane++;
    if (free_lane == LANES)
        return;
    setup s = background_setup(BLOCK, (uint32_t[]){0, 32, 48}[number % 3], 2, NT_LATE_SILENCE);
    s.parameters = 2;
    s.body = watch_order;
    s.fades_in = true;
    last_frames[number][free_lane] = 0.0f;
    /* The session must be complete before the stream is offered. */
    lane *l = &e->lanes[free_lane];
    open_fixture(&l->f, s);
    l->f.session.note = &last_frames[number][free_lane];
    l->used = true;
    CHECK_EQUAL(nt_player_offer(e->player, l->f.stream, 2), NT_OK);
}

static engine engines[ENGINES];

static void test_engines(bool blocking, uint32_t blocks, bool replaces)
{
    check_case("%d engines, %s, %s", ENGINES, blocking ? "blocking" : "free", replaces ? "replaced" : "steady");
    nt_pool *pool;
    pthread_t threads[ENGINES];
    CHECK_EQUAL(nt_pool_create(&pool, THREADS, 0), NT_OK);
    memset(engines, 0, sizeof engines);
    for (int i = 0; i < ENGINES; i++) {
        engines[i].blocks = blocks;
        engines[i].blocking = blocking;
        CHECK_EQUAL(nt_player_create(&engines[i].player, pool), NT_OK);
        nt_player_set_blocking(engines[i].player, blocking);
        replace(&engines[i], i);
        CHECK_EQUAL(pthread_create(&threads[i], NULL, play, &engines[i]), 0);
    }
    for (bool all_done = false; !all_done;) {
        all_done = true;
        for (int i = 0; i < ENGINES; i++) {
            all_done = all_done && atomic_load(&engines[i].done);
            if (replaces)
                replace(&engines[i], i);
            (void)player_stats(engines[i].player);
            (void)nt_player_take_output_peak(engines[i].player, 0);
            for (int l = 0; l < LANES; l++)
                if (engines[i].lanes[l].used)
                    (void)stats_of(&engines[i].lanes[l].f);
        }
        struct timespec pause = {0, 200000};
        nanosleep(&pause, NULL);
    }
    for (int i = 0; i < ENGINES; i++) {
        pthread_join(threads[i], NULL);
        engine *e = &engines[i];
        nt_player_stats stats = player_stats(e->player);
        CHECK_EQUAL(stats.blocks, blocks);
        CHECK_EQUAL(stats.refused_blocks, 0);
        if (blocking)
            CHECK_EQUAL(stats.late_frames + stats.lost_frames, 0);
        if (!replaces) {
            CHECK_EQUAL(stats.takeovers, 1);
            CHECK_EQUAL(e->disorder, 0);
            /* Nothing but the delay and what was late or lost is silent. */
            CHECK(e->silent <= stats.late_frames + stats.lost_frames + (uint64_t)e->lanes[0].f.made_of.delay);
            if (blocking)
                CHECK_EQUAL(e->silent, e->lanes[0].f.made_of.delay);
        } else {
            CHECK(stats.takeovers > 1);
        }
        nt_player_close(e->player);
        collect(e->player, e->lanes, LANES);
        for (int l = 0; l < LANES; l++)
            CHECK(!e->lanes[l].used);
        nt_player_destroy(e->player);
    }
    nt_pool_destroy(pool);
}

/* Closing while the audio thread keeps calling: silence, and nothing is used any more. */
static void *play_until_closed(void *argument)
{
    engine *e = argument;
    float in[BLOCK] = {1.0f}, out[BLOCK];
    while (!atomic_load(&e->done))
        (void)process_mono(e->player, in, out, BLOCK);
    return NULL;
}

static void test_close_while_playing(void)
{
    check_case("close while playing");
    nt_pool *pool;
    CHECK_EQUAL(nt_pool_create(&pool, THREADS, 0), NT_OK);
    for (int round = 0; round < 50; round++) {
        engine *e = &engines[0];
        memset(e, 0, sizeof *e);
        pthread_t thread;
        CHECK_EQUAL(nt_player_create(&e->player, pool), NT_OK);
        replace(e, 0);
        CHECK_EQUAL(pthread_create(&thread, NULL, play_until_closed, e), 0);
        struct timespec pause = {0, 100000 * (long)(1 + round % 5)};
        nanosleep(&pause, NULL);
        replace(e, 0);
        nt_player_close(e->player);
        collect(e->player, e->lanes, LANES);
        for (int l = 0; l < LANES; l++)
            CHECK(!e->lanes[l].used);
        nanosleep(&pause, NULL);
        atomic_store(&e->done, true);
        pthread_join(thread, NULL);
        nt_player_destroy(e->player);
    }
    nt_pool_destroy(pool);
}

/* Half an hour of audio in blocks of 64 at 48 kHz, as fast as it goes: the clock is that of the pool, which is waited
 * for. Not a frame is missing, with another stream every second. */
static void test_half_an_hour(void)
{
    enum { SECOND = 48000 / 64, SOAK_BLOCK = 64 };
    check_case("half an hour");
    engine *e = &engines[0];
    nt_pool *pool;
    memset(e, 0, sizeof *e);
    CHECK_EQUAL(nt_pool_create(&pool, THREADS, 0), NT_OK);
    CHECK_EQUAL(nt_player_create(&e->player, pool), NT_OK);
    nt_player_set_blocking(e->player, true);
    float in[SOAK_BLOCK], out[SOAK_BLOCK];
    for (uint32_t second = 0; second < 30 * 60; second++) {
        setup s = background_setup(SOAK_BLOCK, second % 3 ? 0 : 100, 1, NT_LATE_SILENCE);
        uint32_t delay = (uint32_t)s.delay;
        int number = e->lanes[0].used ? 1 : 0;
        offer(e->player, &e->lanes[number], s, false);
        for (uint32_t k = 0; k < SECOND; k++) {
            for (uint32_t i = 0; i < SOAK_BLOCK; i++)
                in[i] = (float)(1 + k * SOAK_BLOCK + i);
            CHECK_EQUAL(process_mono(e->player, in, out, SOAK_BLOCK), NT_OK);
            /* Until the one before has faded out. */
            for (uint32_t i = 0; k > 0 && i < SOAK_BLOCK; i++) {
                uint32_t t = k * SOAK_BLOCK + i;
                CHECK_NEAR(out[i], t < delay ? 0.0f : (float)(1 + t - delay), 0.0);
            }
        }
        CHECK_EQUAL(collect(e->player, e->lanes, LANES), second ? 1 : 0);
    }
    nt_player_stats stats = player_stats(e->player);
    CHECK_EQUAL(stats.blocks, 30 * 60 * SECOND);
    CHECK_EQUAL(stats.late_frames + stats.lost_frames + stats.refused_blocks, 0);
    nt_player_close(e->player);
    collect(e->player, e->lanes, LANES);
    nt_player_destroy(e->player);
    nt_pool_destroy(pool);
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "soak") == 0) {
        test_half_an_hour();
        return 0;
    }
    test_engines(true, 3000, false);
    test_engines(false, 20000, false);
    test_engines(true, 3000, true);
    test_engines(false, 20000, true);
    test_close_while_playing();
    return 0;
}
