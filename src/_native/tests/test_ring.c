/* nt_ring against the simplest queue there is: an array whose front is moved away. */
#include <stdbool.h>

#include "check.h"
#include "neutone/nt_ring.h"

enum {
    CAPACITY_MAX = 1000,
    CHANNELS_MAX = 5,
    CHUNK_MAX = 1100,
    STRIDE = CHUNK_MAX + 3
};

typedef struct queue {
    float frames[CAPACITY_MAX][CHANNELS_MAX];
    uint32_t count, capacity, channels;
} queue;

static queue model;
static float source[CHANNELS_MAX * STRIDE], target[CHANNELS_MAX * STRIDE];
static const float UNTOUCHED = -1.0f;
static float next_value;

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void model_append(const float *from, ptrdiff_t stride, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++, model.count++)
        for (uint32_t c = 0; c < model.channels; c++)
            model.frames[model.count][c] = from ? from[(ptrdiff_t)c * stride + i] : 0.0f;
}

static void model_drop(uint32_t frames)
{
    model.count -= frames;
    memmove(model.frames, model.frames + frames, model.count * sizeof model.frames[0]);
}

static void check_against_model(const float *got, ptrdiff_t stride, uint32_t offset, uint32_t frames)
{
    for (uint32_t c = 0; c < model.channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            CHECK_NEAR(got[(ptrdiff_t)c * stride + i], model.frames[offset + i][c], 0.0);
}

static void fill_source(uint32_t frames)
{
    for (uint32_t c = 0; c < CHANNELS_MAX; c++)
        for (uint32_t i = 0; i < frames; i++)
            source[c * STRIDE + i] = next_value++;
    if (next_value > 1e6f) /* whole numbers stay exact in a float */
        next_value = 1.0f;
}

static void clear_target(void)
{
    for (uint32_t i = 0; i < CHANNELS_MAX * STRIDE; i++)
        target[i] = UNTOUCHED;
}

/* What lies behind the frames that were asked for belongs to the caller. */
static void check_rest_untouched(uint32_t frames)
{
    for (uint32_t c = 0; c < CHANNELS_MAX; c++)
        for (uint32_t i = c < model.channels ? frames : 0; i < STRIDE; i++)
            CHECK_NEAR(target[c * STRIDE + i], UNTOUCHED, 0.0);
}

static void push(nt_ring *ring, uint32_t frames)
{
    fill_source(frames);
    uint32_t fitting = smaller(frames, model.capacity - model.count);
    CHECK_EQUAL(nt_ring_push(ring, (nt_span){source, STRIDE, frames}), fitting);
    model_append(source, STRIDE, fitting);
}

static void push_silence(nt_ring *ring, uint32_t frames)
{
    uint32_t fitting = smaller(frames, model.capacity - model.count);
    CHECK_EQUAL(nt_ring_push_silence(ring, frames), fitting);
    model_append(NULL, 0, fitting);
}

static void write_span(nt_ring *ring, uint32_t frames)
{
    nt_span span = nt_ring_write_span(ring, frames);
    uint32_t room = model.capacity - model.count;
    CHECK(span.frames <= smaller(frames, room));
    CHECK(span.frames > 0 || frames == 0 || room == 0);
    fill_source(span.frames);
    for (uint32_t c = 0; c < model.channels; c++)
        memcpy(span.first + (ptrdiff_t)c * span.stride, source + c * STRIDE, span.frames * sizeof(float));
    uint32_t committed =
        span.frames ? random_below(span.frames + 1) : 0; /* less than was granted is allowed */
    nt_ring_commit(ring, committed);
    model_append(source, STRIDE, committed);
}

static void peek(nt_ring *ring, uint32_t frames)
{
    clear_target();
    uint32_t offset = random_below(model.count + 2);
    bool there = (uint64_t)offset + frames <= model.count;
    CHECK_EQUAL(nt_ring_peek(ring, offset, (nt_span){target, STRIDE, frames}), there ? frames : 0);
    if (there)
        check_against_model(target, STRIDE, offset, frames);
    check_rest_untouched(there ? frames : 0);
}

static void pop(nt_ring *ring, uint32_t frames)
{
    clear_target();
    uint32_t there = smaller(frames, model.count);
    CHECK_EQUAL(nt_ring_pop(ring, (nt_span){target, STRIDE, frames}), there);
    check_against_model(target, STRIDE, 0, there);
    check_rest_untouched(there);
    model_drop(there);
}

static void discard(nt_ring *ring, uint32_t frames)
{
    uint32_t there = smaller(frames, model.count);
    CHECK_EQUAL(nt_ring_discard(ring, frames), there);
    model_drop(there);
}

static void read_span(nt_ring *ring, uint32_t frames)
{
    nt_span span = nt_ring_read_span(ring, frames);
    CHECK(span.frames <= smaller(frames, model.count));
    CHECK(span.frames > 0 || frames == 0 || model.count == 0);
    check_against_model(span.first, span.stride, 0, span.frames);
    CHECK_EQUAL(nt_ring_discard(ring, span.frames), span.frames);
    model_drop(span.frames);
}

static void random_step(nt_ring *ring, uint32_t chunk)
{
    static void (*const steps[])(nt_ring *, uint32_t) = {push, push, write_span, push_silence, peek,
                                                         pop,  pop,  discard,    read_span};
    steps[random_below(sizeof steps / sizeof steps[0])](ring, random_below(chunk + 1));
    if (random_below(200) == 0) {
        nt_ring_reset(ring);
        model.count = 0;
    }
    CHECK_EQUAL(nt_ring_readable(ring), model.count);
    CHECK_EQUAL(nt_ring_writable(ring), model.capacity - model.count);
}

static nt_ring *new_ring(uint32_t channels, uint32_t capacity)
{
    nt_ring *ring = NULL;
    CHECK_EQUAL(nt_ring_create(&ring, channels, capacity), NT_OK);
    CHECK_EQUAL(nt_ring_capacity(ring), capacity);
    CHECK_EQUAL(nt_ring_channels(ring), channels);
    CHECK_EQUAL(nt_ring_readable(ring), 0);
    CHECK_EQUAL(nt_ring_writable(ring), capacity);
    model.count = 0;
    model.capacity = capacity;
    model.channels = channels;
    return ring;
}

static void test_random_steps(uint32_t channels, uint32_t capacity)
{
    static const uint32_t chunks[] = {1, 2, 3, 5, 17, 64, 250, CHUNK_MAX};
    nt_ring *ring = new_ring(channels, capacity);
    for (uint32_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        check_case("%u channels, capacity %u, chunks up to %u", channels, capacity, chunks[i]);
        for (int step = 0; step < 600; step++)
            random_step(ring, chunks[i]);
    }
    nt_ring_destroy(ring);
}

static void test_capacity_is_exact(uint32_t channels, uint32_t capacity)
{
    check_case("%u channels, capacity %u: full", channels, capacity);
    nt_ring *ring = new_ring(channels, capacity);
    for (uint32_t start = 0; start < 2 * capacity; start += 1 + capacity / 5) {
        push(ring, capacity);
        CHECK_EQUAL(nt_ring_readable(ring), capacity);
        CHECK_EQUAL(nt_ring_writable(ring), 0);
        CHECK_EQUAL(nt_ring_push(ring, (nt_span){source, STRIDE, 1}), 0);
        CHECK_EQUAL(nt_ring_push_silence(ring, 1), 0);
        CHECK_EQUAL(nt_ring_write_span(ring, 1).frames, 0);
        CHECK_EQUAL(nt_ring_peek(ring, 0, (nt_span){target, STRIDE, capacity + 1}), 0);
        CHECK_EQUAL(nt_ring_peek(ring, 1, (nt_span){target, STRIDE, capacity}), 0);
        CHECK_EQUAL(nt_ring_peek(ring, UINT32_MAX, (nt_span){target, STRIDE, 2}), 0);
        pop(ring, capacity);
        CHECK_EQUAL(nt_ring_pop(ring, (nt_span){target, STRIDE, 1}), 0);
        CHECK_EQUAL(nt_ring_discard(ring, 1), 0);
        CHECK_EQUAL(nt_ring_read_span(ring, 1).frames, 0);
        push_silence(ring, 1 + capacity / 5); /* move the start along */
        discard(ring, 1 + capacity / 5);
    }
    nt_ring_destroy(ring);
}

/* From any start, two spans cover a full ring: the first up to the wrap, the second the rest from the front.
 */
static void test_spans(uint32_t channels, uint32_t capacity)
{
    check_case("%u channels, capacity %u: spans", channels, capacity);
    nt_ring *ring = new_ring(channels, capacity);
    for (uint32_t start = 0; start < capacity; start += 1 + capacity / 7) {
        nt_ring_reset(ring);
        model.count = 0;
        push_silence(ring, start);
        discard(ring, start);
        nt_span first = nt_ring_write_span(ring, UINT32_MAX);
        CHECK_EQUAL(first.frames, capacity - start);
        nt_ring_commit(ring, first.frames);
        nt_span second = nt_ring_write_span(ring, UINT32_MAX);
        CHECK_EQUAL(second.frames, start);
        CHECK(start == 0 || second.first + start == first.first);
        nt_ring_commit(ring, second.frames);
        CHECK_EQUAL(nt_ring_writable(ring), 0);

        nt_span oldest = nt_ring_read_span(ring, UINT32_MAX);
        CHECK(oldest.first == first.first);
        CHECK_EQUAL(oldest.frames, first.frames);
        CHECK_EQUAL(nt_ring_discard(ring, oldest.frames), oldest.frames);
        nt_span newest = nt_ring_read_span(ring, UINT32_MAX);
        CHECK_EQUAL(newest.frames, start);
        CHECK_EQUAL(nt_ring_discard(ring, newest.frames), start);
        CHECK_EQUAL(nt_ring_readable(ring), 0);
    }
    nt_ring_destroy(ring);
}

static void test_errors(void)
{
    check_case("errors");
    nt_ring *ring = NULL;
    CHECK_EQUAL(nt_ring_create(NULL, 1, 1), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_ring_create(&ring, 1, 0), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_ring_create(&ring, 1, UINT32_MAX), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_ring_create(&ring, NT_CHANNELS_MAX + 1, 1), NT_ERROR_CHANNELS);
    CHECK(ring == NULL);
    nt_ring_destroy(NULL);
}

int main(void)
{
    static const uint32_t capacities[] = {1, 2, 3, 7, 64, CAPACITY_MAX}, channels[] = {0, 1, 2, CHANNELS_MAX};
    next_value = 1.0f;
    for (uint32_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        for (uint32_t c = 0; c < sizeof channels / sizeof channels[0]; c++) {
            test_random_steps(channels[c], capacities[i]);
            test_capacity_is_exact(channels[c], capacities[i]);
            test_spans(channels[c], capacities[i]);
        }
    }
    test_errors();
    return 0;
}
