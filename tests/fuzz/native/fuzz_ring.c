/* nt_ring against the plainest queue there is: an array that is never reused. */
#include "fuzz_core.h"

#include "allocation.h"
#include "check.h"
#include "neutone/nt_ring.h"

enum { MOST_FRAMES = 1 << 14, MOST_CHANNELS = 4 };

typedef struct queue {
    float samples[MOST_CHANNELS][MOST_FRAMES];
    uint32_t first, end; /* first..end is what the ring holds */
} queue;

static queue expected;
static nt_ring *ring;
static uint32_t channels, capacity;

/* Rows further apart than they are long, in memory of exactly that size: the address sanitizer sees one float beyond. */
static float *new_rows(uint32_t frames, ptrdiff_t stride)
{
    return new_floats(channels ? (size_t)(channels - 1) * (size_t)stride + frames : 0);
}

static void expect(const float *rows, ptrdiff_t stride, uint32_t offset, uint32_t frames)
{
    for (uint32_t c = 0; c < channels; c++)
        CHECK_SAME_FLOATS(rows + (ptrdiff_t)c * stride, expected.samples[c] + expected.first + offset, frames);
}

static float next_sample(uint32_t channel, uint32_t frame)
{
    return (float)(frame * MOST_CHANNELS + channel + 1); /* exact below 2^24, and never silence */
}

static void append(uint32_t frames, bool is_silent)
{
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            expected.samples[c][expected.end + i] = is_silent ? 0.0f : next_sample(c, expected.end + i);
    expected.end += frames;
}

static void push(uint32_t frames, ptrdiff_t stride)
{
    uint32_t room = capacity - (expected.end - expected.first), fitting = frames < room ? frames : room;
    float *rows = new_rows(frames, stride);
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            rows[(ptrdiff_t)c * stride + i] = next_sample(c, expected.end + i);
    CHECK_EQUAL(nt_ring_push(ring, (nt_span){rows, stride, frames}), fitting);
    append(fitting, false);
    free(rows);
}

static void push_in_place(uint32_t frames, uint32_t unused)
{
    nt_span span = nt_ring_write_span(ring, frames);
    CHECK(span.frames <= frames && span.frames <= capacity - (expected.end - expected.first));
    uint32_t written = span.frames - (unused < span.frames ? unused : span.frames);
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t i = 0; i < written; i++)
            span.first[(ptrdiff_t)c * span.stride + i] = next_sample(c, expected.end + i);
    nt_ring_commit(ring, written);
    append(written, false);
}

static void peek(uint32_t offset, uint32_t frames, ptrdiff_t stride)
{
    uint32_t there = expected.end - expected.first;
    uint32_t wanted = offset <= there && frames <= there - offset ? frames : 0;
    float *rows = new_rows(frames, stride);
    CHECK_EQUAL(nt_ring_peek(ring, offset, (nt_span){rows, stride, frames}), wanted);
    expect(rows, stride, offset, wanted);
    free(rows);
}

static void pop(uint32_t frames, ptrdiff_t stride)
{
    uint32_t there = expected.end - expected.first, wanted = frames < there ? frames : there;
    float *rows = new_rows(frames, stride);
    CHECK_EQUAL(nt_ring_pop(ring, (nt_span){rows, stride, frames}), wanted);
    expect(rows, stride, 0, wanted);
    expected.first += wanted;
    free(rows);
}

static void read_in_place(uint32_t frames)
{
    nt_span span = nt_ring_read_span(ring, frames);
    CHECK(span.frames <= frames && span.frames <= expected.end - expected.first);
    CHECK(span.frames > 0 || frames == 0 || expected.end == expected.first);
    expect(span.first, span.stride, 0, span.frames);
    CHECK_EQUAL(nt_ring_discard(ring, span.frames), span.frames);
    expected.first += span.frames;
}

static void discard(uint32_t frames)
{
    uint32_t there = expected.end - expected.first, dropped = frames < there ? frames : there;
    CHECK_EQUAL(nt_ring_discard(ring, frames), dropped);
    expected.first += dropped;
}

static void run_one(fuzz_input *input)
{
    uint32_t operation = read_below(input, 8), frames = read_below(input, 2 * capacity + 2);
    ptrdiff_t stride = (ptrdiff_t)(frames + read_below(input, 4));
    switch (operation) {
    case 0:
        push(frames, stride);
        break;
    case 1: {
        uint32_t before = expected.end;
        append(frames < capacity - (before - expected.first) ? frames : capacity - (before - expected.first), true);
        CHECK_EQUAL(nt_ring_push_silence(ring, frames), expected.end - before);
        break;
    }
    case 2:
        push_in_place(frames, read_below(input, 4));
        break;
    case 3:
        peek(read_below(input, capacity + 2), frames, stride);
        break;
    case 4:
        pop(frames, stride);
        break;
    case 5:
        read_in_place(frames);
        break;
    case 6:
        discard(frames);
        break;
    default:
        nt_ring_reset(ring);
        expected.first = expected.end;
    }
    CHECK_EQUAL(nt_ring_readable(ring), expected.end - expected.first);
    CHECK_EQUAL(nt_ring_writable(ring), capacity - (expected.end - expected.first));
}

static void create_silly(fuzz_input *input)
{
    uint32_t silly_channels = read_silly(input), silly_capacity = read_silly(input);
    allocation_begin(read_below(input, 4));
    nt_status status = nt_ring_create(&ring, silly_channels, silly_capacity);
    CHECK(allocation_end() == 0 || status == NT_ERROR_MEMORY);
    CHECK((status == NT_OK) == (ring != NULL));
    CHECK(status != NT_OK || (silly_channels <= NT_CHANNELS_MAX && silly_capacity > 0));
    nt_ring_destroy(ring);
}

void fuzz_ring(fuzz_input *input)
{
    check_case("a ring");
    if (read_below(input, 8) == 0) {
        create_silly(input);
        return;
    }
    channels = read_below(input, MOST_CHANNELS + 1);
    capacity = read_between(input, 1, 70);
    expected.first = expected.end = 0;
    CHECK_EQUAL(nt_ring_create(&ring, channels, capacity), NT_OK);
    CHECK_EQUAL(nt_ring_channels(ring), channels);
    CHECK_EQUAL(nt_ring_capacity(ring), capacity);
    while (has_more(input) && expected.end < MOST_FRAMES - capacity)
        run_one(input);
    nt_ring_destroy(ring);
}
