#include "neutone/nt_ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

struct nt_ring {
    float *samples;
    uint32_t channels;
    uint32_t capacity;
    /* Each position on a cache line of its own: the two threads would otherwise steal one line from each other. */
    alignas(CACHE_LINE) _Atomic uint32_t written;
    alignas(CACHE_LINE) _Atomic uint32_t read;
};

static uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t distance(const nt_ring *ring, uint32_t written, uint32_t read)
{
    return written >= read ? written - read : written + 2 * ring->capacity - read;
}

static uint32_t advance(const nt_ring *ring, uint32_t position, uint32_t frames)
{
    position += frames;
    return position >= 2 * ring->capacity ? position - 2 * ring->capacity : position;
}

static uint32_t memory_index(const nt_ring *ring, uint32_t position)
{
    return position >= ring->capacity ? position - ring->capacity : position;
}

nt_status nt_ring_create(nt_ring **ring, uint32_t channels, uint32_t capacity)
{
    if (!ring)
        return NT_ERROR_ARGUMENT;
    *ring = NULL;
    if (channels > NT_CHANNELS_MAX)
        return NT_ERROR_CHANNELS;
    if (capacity == 0 || capacity > UINT32_MAX / 4)
        return NT_ERROR_ARGUMENT;
    /* calloc aligns to 16 at most: alignment to the cache line is bought with a line of slack before the struct. */
    nt_ring *made = NULL;
    size_t bytes = sizeof(nt_ring) + CACHE_LINE + sizeof(void *);
    void *block = calloc(1, bytes);
    if (!block)
        return NT_ERROR_MEMORY;
    uintptr_t address = ((uintptr_t)block + sizeof(void *) + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    made = (nt_ring *)address;
    ((void **)made)[-1] = block;
    made->samples = calloc((size_t)(channels ? channels : 1) * capacity, sizeof(float));
    if (!made->samples) {
        free(block);
        return NT_ERROR_MEMORY;
    }
    made->channels = channels;
    made->capacity = capacity;
    atomic_init(&made->written, 0);
    atomic_init(&made->read, 0);
    *ring = made;
    return NT_OK;
}

void nt_ring_destroy(nt_ring *ring)
{
    if (!ring)
        return;
    free(ring->samples);
    free(((void **)ring)[-1]);
}

void nt_ring_reset(nt_ring *ring)
{
    atomic_store_explicit(&ring->written, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->read, 0, memory_order_relaxed);
}

uint32_t nt_ring_capacity(const nt_ring *ring)
{
    return ring->capacity;
}

uint32_t nt_ring_channels(const nt_ring *ring)
{
    return ring->channels;
}

uint32_t nt_ring_readable(const nt_ring *ring)
{
    uint32_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    return distance(ring, written, atomic_load_explicit(&ring->read, memory_order_relaxed));
}

uint32_t nt_ring_writable(const nt_ring *ring)
{
    uint32_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    return ring->capacity - distance(ring, atomic_load_explicit(&ring->written, memory_order_relaxed), read);
}

nt_span nt_ring_write_span(const nt_ring *ring, uint32_t frames)
{
    uint32_t start = memory_index(ring, atomic_load_explicit(&ring->written, memory_order_relaxed));
    uint32_t room = minimum(nt_ring_writable(ring), ring->capacity - start);
    return (nt_span){ring->samples + start, ring->capacity, minimum(frames, room)};
}

void nt_ring_commit(nt_ring *ring, uint32_t frames)
{
    uint32_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    atomic_store_explicit(&ring->written, advance(ring, written, frames), memory_order_release);
}

uint32_t nt_ring_push(nt_ring *ring, nt_span source)
{
    uint32_t done = 0;
    while (done < source.frames) {
        nt_span span = nt_ring_write_span(ring, source.frames - done);
        if (span.frames == 0)
            break;
        for (uint32_t c = 0; c < ring->channels; c++)
            memcpy(nt_span_row(span, c), nt_span_row(source, c) + done, span.frames * sizeof(float));
        nt_ring_commit(ring, span.frames);
        done += span.frames;
    }
    return done;
}

uint32_t nt_ring_push_silence(nt_ring *ring, uint32_t frames)
{
    uint32_t done = 0;
    while (done < frames) {
        nt_span span = nt_ring_write_span(ring, frames - done);
        if (span.frames == 0)
            break;
        for (uint32_t c = 0; c < ring->channels; c++)
            memset(nt_span_row(span, c), 0, span.frames * sizeof(float));
        nt_ring_commit(ring, span.frames);
        done += span.frames;
    }
    return done;
}

uint32_t nt_ring_peek(const nt_ring *ring, uint32_t offset, nt_span target)
{
    uint32_t readable = nt_ring_readable(ring), frames = target.frames;
    if (offset > readable || frames > readable - offset)
        return 0;
    uint32_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    uint32_t start = memory_index(ring, advance(ring, read, offset));
    uint32_t before_wrap = minimum(frames, ring->capacity - start);
    for (uint32_t c = 0; c < ring->channels; c++) {
        const float *channel = ring->samples + (size_t)c * ring->capacity;
        float *to = nt_span_row(target, c);
        memcpy(to, channel + start, before_wrap * sizeof(float));
        memcpy(to + before_wrap, channel, (frames - before_wrap) * sizeof(float));
    }
    return frames;
}

nt_span nt_ring_read_span(const nt_ring *ring, uint32_t frames)
{
    uint32_t start = memory_index(ring, atomic_load_explicit(&ring->read, memory_order_relaxed));
    uint32_t there = minimum(nt_ring_readable(ring), ring->capacity - start);
    return (nt_span){ring->samples + start, ring->capacity, minimum(frames, there)};
}

uint32_t nt_ring_discard(nt_ring *ring, uint32_t frames)
{
    uint32_t dropped = minimum(frames, nt_ring_readable(ring));
    uint32_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    /* release: the producer may overwrite these samples only after they were read */
    atomic_store_explicit(&ring->read, advance(ring, read, dropped), memory_order_release);
    return dropped;
}

uint32_t nt_ring_pop(nt_ring *ring, nt_span target)
{
    uint32_t there = minimum(target.frames, nt_ring_readable(ring));
    uint32_t popped = nt_ring_peek(ring, 0, nt_span_first(target, there));
    return nt_ring_discard(ring, popped);
}
