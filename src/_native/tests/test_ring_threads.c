/* One thread writes counters, the other checks that each arrives once and in order, in every channel. Under
 * ThreadSanitizer a sample that is read before its position was published is a race, and reported. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "neutone/nt_ring.h"

enum {
    CHANNELS = 3,
    CHUNK_MAX = 300
};

typedef struct work {
    nt_ring *ring;
    uint32_t frames;
    uint32_t seed;
} work;

/* Each thread has its own numbers: sharing them would order the threads, and hide a race. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Whole numbers below 2^24 are exact in a float. */
static float value_of(uint32_t frame, uint32_t channel)
{
    return (float)((frame * CHANNELS + channel) & 0xffffffu);
}

static void fill(float *to, ptrdiff_t stride, uint32_t first, uint32_t frames)
{
    for (uint32_t c = 0; c < CHANNELS; c++)
        for (uint32_t i = 0; i < frames; i++)
            to[(ptrdiff_t)c * stride + i] = value_of(first + i, c);
}

static void compare(const float *from, ptrdiff_t stride, uint32_t first, uint32_t frames)
{
    for (uint32_t c = 0; c < CHANNELS; c++)
        for (uint32_t i = 0; i < frames; i++)
            CHECK_NEAR(from[(ptrdiff_t)c * stride + i], value_of(first + i, c), 0.0);
}

static uint32_t produce_by_push(nt_ring *ring, uint32_t first, uint32_t frames)
{
    float chunk[CHANNELS * CHUNK_MAX];
    fill(chunk, CHUNK_MAX, first, frames);
    return nt_ring_push(ring, (nt_span){chunk, CHUNK_MAX, frames});
}

static uint32_t produce_in_place(nt_ring *ring, uint32_t first, uint32_t frames)
{
    nt_span span = nt_ring_write_span(ring, frames);
    fill(span.first, span.stride, first, span.frames);
    nt_ring_commit(ring, span.frames);
    return span.frames;
}

static void *produce(void *argument)
{
    work *task = argument;
    uint32_t state = task->seed;
    for (uint32_t done = 0; done < task->frames;) {
        uint32_t frames = 1 + next_random(&state) % CHUNK_MAX, left = task->frames - done;
        if (frames > left)
            frames = left;
        uint32_t written = next_random(&state) % 2 ? produce_by_push(task->ring, done, frames)
                                                   : produce_in_place(task->ring, done, frames);
        done += written;
        if (written == 0)
            sched_yield();
    }
    return NULL;
}

static uint32_t consume_by_pop(nt_ring *ring, uint32_t first, uint32_t frames)
{
    float chunk[CHANNELS * CHUNK_MAX];
    uint32_t there = nt_ring_pop(ring, (nt_span){chunk, CHUNK_MAX, frames});
    compare(chunk, CHUNK_MAX, first, there);
    return there;
}

static uint32_t consume_in_place(nt_ring *ring, uint32_t first, uint32_t frames)
{
    nt_span span = nt_ring_read_span(ring, frames);
    compare(span.first, span.stride, first, span.frames);
    return nt_ring_discard(ring, span.frames);
}

static uint32_t consume_by_peek(nt_ring *ring, uint32_t first, uint32_t frames)
{
    float chunk[CHANNELS * CHUNK_MAX];
    uint32_t there = nt_ring_readable(ring);
    if (frames > there)
        frames = there;
    uint32_t offset = frames / 2;
    CHECK_EQUAL(nt_ring_peek(ring, offset, (nt_span){chunk, CHUNK_MAX, frames - offset}), frames - offset);
    compare(chunk, CHUNK_MAX, first + offset, frames - offset);
    return nt_ring_discard(ring, offset);
}

static void consume(const work *task)
{
    static uint32_t (*const ways[])(nt_ring *, uint32_t, uint32_t) = {consume_by_pop, consume_in_place,
                                                                      consume_by_peek};
    uint32_t state = task->seed + 1;
    for (uint32_t done = 0; done < task->frames;) {
        uint32_t frames = 1 + next_random(&state) % CHUNK_MAX;
        uint32_t taken = ways[next_random(&state) % 3](task->ring, done, frames);
        done += taken;
        if (taken == 0)
            sched_yield();
    }
}

static void test_order(uint32_t capacity, uint32_t frames)
{
    check_case("capacity %u, %u frames", capacity, frames);
    work task = {NULL, frames, capacity};
    CHECK_EQUAL(nt_ring_create(&task.ring, CHANNELS, capacity), NT_OK);
    pthread_t producer;
    CHECK_EQUAL(pthread_create(&producer, NULL, produce, &task), 0);
    consume(&task);
    CHECK_EQUAL(pthread_join(producer, NULL), 0);
    CHECK_EQUAL(nt_ring_readable(task.ring), 0);
    nt_ring_destroy(task.ring);
}

int main(void)
{
    test_order(1, 50000);
    test_order(7, 500000);
    test_order(64, 2000000);
    test_order(1000, 4000000);
    return 0;
}
