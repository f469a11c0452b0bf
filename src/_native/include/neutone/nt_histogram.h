/* nt_histogram: how long something takes, counted and read by any thread.
 *
 * Sixteen classes to an octave: a percentile read from it is at most 1/16 too large.
 */
#ifndef NEUTONE_NT_HISTOGRAM_H
#define NEUTONE_NT_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { NT_HISTOGRAM_OCTAVES = 40, NT_HISTOGRAM_CLASSES = 16 * NT_HISTOGRAM_OCTAVES };

typedef struct nt_histogram {
    _Atomic uint64_t counts[NT_HISTOGRAM_CLASSES];
    _Atomic uint64_t total;   /* ns */
    _Atomic uint64_t largest; /* ns */
} nt_histogram;

/* [any-thread] */
void nt_histogram_add(nt_histogram *histogram, uint64_t nanoseconds);

/* [any-thread] The counts as they stand, and the longest duration of a class, ns. */
void nt_histogram_read(const nt_histogram *histogram, uint64_t counts[NT_HISTOGRAM_CLASSES]);
uint64_t nt_histogram_upper(uint32_t class_index);

#endif
