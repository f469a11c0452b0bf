/* A player with one stream after another, over sessions written in C. */
#ifndef NEUTONE_TESTS_PLAYER_FIXTURE_H
#define NEUTONE_TESTS_PLAYER_FIXTURE_H

#include "neutone/nt_player.h"
#include "stream_fixture.h"

/* One stream of a player. It stays where it is until the player gives the stream back. */
typedef struct lane {
    fixture f;
    bool used;
} lane;

static inline setup background_setup(uint32_t host_block, uint32_t model_block, uint32_t slack, nt_late late)
{
    setup s = {.host_rate = 48000,
               .host_block = host_block,
               .model_rate = 48000,
               .model_block = model_block,
               .late = late,
               .backlog = 24000,
               .has_delay = true};
    s.delay = schedule_of(&s).delay + slack * host_block;
    return s;
}

static inline void offer(nt_player *player, lane *l, setup s, bool in_callback)
{
    open_fixture(&l->f, s);
    l->used = true;
    CHECK_EQUAL(nt_player_offer(player, l->f.stream, in_callback ? 0 : 1), NT_OK);
}

/* Close every lane whose stream is given back; returns how many. */
static inline uint32_t collect(nt_player *player, lane *lanes, uint32_t count)
{
    uint32_t collected = 0;
    for (nt_stream *stream; (stream = nt_player_collect(player)) != NULL; collected++) {
        uint32_t i = 0;
        while (i < count && !(lanes[i].used && lanes[i].f.stream == stream))
            i++;
        CHECK(i < count);
        close_fixture(&lanes[i].f);
        lanes[i].used = false;
    }
    return collected;
}

static inline nt_status process_mono(nt_player *player, const float *in, float *out, uint32_t frames)
{
    return nt_player_process(player, &in, &out, 1, frames, NULL);
}

static inline nt_player_stats player_stats(const nt_player *player)
{
    nt_player_stats stats;
    nt_player_get_stats(player, &stats);
    return stats;
}

/* A player with a pool of one thread, which the audio thread waits for. */
static inline void open_player(nt_pool **pool, nt_player **player)
{
    CHECK_EQUAL(nt_pool_create(pool, 1, 0), NT_OK);
    CHECK_EQUAL(nt_player_create(player, *pool), NT_OK);
    nt_player_set_blocking(*player, true);
    CHECK(nt_player_is_blocking(*player));
}

static inline void close_player(nt_pool *pool, nt_player *player, lane *lanes, int count)
{
    nt_player_close(player);
    collect(player, lanes, count);
    for (int i = 0; i < count; i++)
        CHECK(!lanes[i].used);
    nt_player_destroy(player);
    nt_pool_destroy(pool);
}

#endif
