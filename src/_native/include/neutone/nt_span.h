/* nt_span: a stretch of planar audio, or of other rows of samples: row c lies at first + c * stride.
 *
 * What goes from one part of the core to the next is passed as a span, by value. Hosts have an array of pointers instead,
 * one for each channel; nt_stream_write and nt_stream_read stand between the two.
 */
#ifndef NEUTONE_NT_SPAN_H
#define NEUTONE_NT_SPAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct nt_span {
    float *first;   /* a function that takes a span as its source only reads it */
    int32_t stride; /* samples; 32 bits, so that a span travels in two registers: in memory it stalls the loads behind it */
    uint32_t frames;
} nt_span;

/* [any-thread] Row c. */
static inline float *nt_span_row(nt_span span, uint32_t c)
{
    return span.first + (ptrdiff_t)c * span.stride;
}

/* [any-thread] Its first `frames`, which it must have. */
static inline nt_span nt_span_first(nt_span span, uint32_t frames)
{
    return (nt_span){span.first, span.stride, frames};
}

/* [any-thread] What lies behind its first `frames`, which it must have. */
static inline nt_span nt_span_behind(nt_span span, uint32_t frames)
{
    return (nt_span){span.first + frames, span.stride, span.frames - frames};
}

#endif
