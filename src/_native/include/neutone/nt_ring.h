/* nt_ring: a circular queue of planar float frames, lock-free for one producer and one consumer.
 *
 * The producer owns the write position and the consumer the read position; each publishes its own with a release
 * store and reads the other's with an acquire load, so the samples are visible before the position that covers them.
 * Positions run over [0, 2 * capacity), which tells full from empty without giving up a frame: the capacity is exact.
 */
#ifndef NEUTONE_NT_RING_H
#define NEUTONE_NT_RING_H

#include <stdint.h>

#include "neutone/nt_span.h"
#include "neutone/nt_status.h"

typedef struct nt_ring nt_ring;

/* [main-thread] The only allocation. `channels` may be 0 (a ring that only counts frames). */
nt_status nt_ring_create(nt_ring **ring, uint32_t channels, uint32_t capacity);

/* [main-thread] NULL is allowed. */
void nt_ring_destroy(nt_ring *ring);

/* [audio-thread, neither side active] Empty it. */
void nt_ring_reset(nt_ring *ring);

/* [any-thread, wait-free] */
uint32_t nt_ring_capacity(const nt_ring *ring);
uint32_t nt_ring_channels(const nt_ring *ring);

/* [consumer, wait-free] Frames that can be read; [producer, wait-free] frames that can be written. */
uint32_t nt_ring_readable(const nt_ring *ring);
uint32_t nt_ring_writable(const nt_ring *ring);

/* [producer, wait-free] Append the frames of `source`; returns how many fitted. */
uint32_t nt_ring_push(nt_ring *ring, nt_span source);

/* [producer, wait-free] Append frames of silence; returns how many fitted. */
uint32_t nt_ring_push_silence(nt_ring *ring, uint32_t frames);

/* [producer, wait-free] The next free stretch, of at most `frames`, to be filled in place and then committed. It ends
 * where the memory does, so a caller that needs more asks again after the commit. */
nt_span nt_ring_write_span(const nt_ring *ring, uint32_t frames);
void nt_ring_commit(nt_ring *ring, uint32_t frames);

/* [consumer, wait-free] Fill `target` with what is readable from frame `offset` on, and leave it there: as many frames as
 * the target has, or none (returns 0). */
uint32_t nt_ring_peek(const nt_ring *ring, uint32_t offset, nt_span target);

/* [consumer, wait-free] The oldest readable stretch, of at most `frames`, to be used in place and then discarded. */
nt_span nt_ring_read_span(const nt_ring *ring, uint32_t frames);

/* [consumer, wait-free] Drop the oldest frames; returns how many there were to drop. */
uint32_t nt_ring_discard(nt_ring *ring, uint32_t frames);

/* [consumer, wait-free] Peek what is there, up to what `target` holds, and discard it; returns how many frames. */
uint32_t nt_ring_pop(nt_ring *ring, nt_span target);

#endif
