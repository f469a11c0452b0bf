/* The pool shares its threads fairly, and has a limit; and the histogram in which blocks are timed. */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "player_fixture.h"

enum { LANES = 8 };

static lane lanes[LANES];

/* A light model beside a heavy one, on two threads: the light one's work is never left to the thread that is busy. The
 * heavy model holds its thread until the light one has run a thousand times. */
static _Atomic uint32_t light_blocks;

static void be_heavy(test_session *session, uint32_t frames)
{
    struct timespec time = {0, 100000};
    if (session->runs == 2)
        for (int tries = 0; atomic_load(&light_blocks) < 1000; tries++) {
            CHECK(tries < 200000);
            nanosleep(&time, NULL);
        }
    pass_through(session, frames);
}

static void be_light(test_session *session, uint32_t frames)
{
    pass_through(session, frames);
    atomic_fetch_add(&light_blocks, 1);
}

static void test_light_beside_heavy(void)
{
    enum { BLOCK = 64 };
    check_case("light beside heavy");
    nt_pool *pool;
    nt_player *light, *heavy;
    CHECK_EQUAL(nt_pool_create(&pool, 2, 0), NT_OK);
    CHECK_EQUAL(nt_player_create(&light, pool), NT_OK);
    CHECK_EQUAL(nt_player_create(&heavy, pool), NT_OK);
    setup s = background_setup(BLOCK, BLOCK, 1, NT_LATE_SILENCE);
    s.body = be_light;
    offer(light, &lanes[0], s, false);
    s.body = be_heavy;
    offer(heavy, &lanes[1], s, false);
    float in[BLOCK] = {0.5f}, out[BLOCK];
    nt_player_set_blocking(light, true);
    CHECK_EQUAL(process_mono(heavy, in, out, BLOCK), NT_OK);
    CHECK_EQUAL(process_mono(heavy, in, out, BLOCK), NT_OK);
    for (int k = 0; k < 1000; k++)
        CHECK_EQUAL(process_mono(light, in, out, BLOCK), NT_OK);
    nt_player_close(light);
    nt_player_close(heavy);
    collect(light, lanes, LANES);
    collect(heavy, lanes, LANES);
    nt_player_destroy(light);
    nt_player_destroy(heavy);
    nt_pool_destroy(pool);
}

static bool no_work(void *context)
{
    (void)context;
    return false;
}

static void test_full_pool(void)
{
    check_case("full pool");
    nt_pool *pool;
    nt_slot *slots[NT_POOL_SLOTS_MAX], *one_more;
    CHECK_EQUAL(nt_pool_create(&pool, 2, 0), NT_OK);
    CHECK_EQUAL(nt_pool_threads(pool), 2);
    CHECK_EQUAL(nt_pool_refusal(pool), 0);
    for (int i = 0; i < NT_POOL_SLOTS_MAX; i++)
        CHECK_EQUAL(nt_pool_add(pool, &slots[i], no_work, NULL), NT_OK);
    CHECK_EQUAL(nt_pool_add(pool, &one_more, no_work, NULL), NT_ERROR_FULL);
    nt_pool_remove(pool, slots[7]);
    CHECK_EQUAL(nt_pool_add(pool, &slots[7], no_work, NULL), NT_OK);
    for (int i = 0; i < NT_POOL_SLOTS_MAX; i++)
        nt_pool_remove(pool, slots[i]);
    nt_pool_destroy(pool);
}

/* Percentiles: each duration lies in the class that is at most 1/16 above it. */
static void test_histogram(void)
{
    check_case("histogram");
    static nt_histogram histogram;
    static uint64_t counts[NT_HISTOGRAM_CLASSES];
    uint64_t total = 0;
    for (uint64_t duration = 0; duration < 2000000; duration += 1 + duration / 7) {
        memset(&histogram, 0, sizeof histogram);
        nt_histogram_add(&histogram, duration);
        nt_histogram_read(&histogram, counts);
        uint32_t i = 0;
        while (counts[i] == 0)
            i++;
        CHECK_EQUAL(counts[i], 1);
        CHECK(nt_histogram_upper(i) >= duration && nt_histogram_upper(i) <= duration + duration / 16);
        CHECK(i == 0 || nt_histogram_upper(i - 1) < duration);
    }
    memset(&histogram, 0, sizeof histogram);
    for (uint64_t i = 0; i < 100; i++) {
        nt_histogram_add(&histogram, 1000 * i);
        total += 1000 * i;
    }
    nt_histogram_add(&histogram, UINT64_MAX / 2);
    CHECK_EQUAL(histogram.largest, UINT64_MAX / 2);
    CHECK_EQUAL(histogram.total, total + UINT64_MAX / 2);
}

int main(void)
{
    test_light_beside_heavy();
    test_full_pool();
    test_histogram();
    return 0;
}
