/* The inside of a stream, shared by its three movements. */
#ifndef NT_STREAM_INTERNAL_H
#define NT_STREAM_INTERNAL_H

#include <stdatomic.h>

#include "neutone/nt_resampler.h"
#include "neutone/nt_ring.h"
#include "neutone/nt_stream.h"
#include "nt_channels.h"
#include "nt_denormals.h"
#include "nt_kernels.h"

struct nt_stream {
    nt_stream_config config;
    const nt_kernels *kernels;
    bool resamples;
    uint32_t delay;

    nt_resampler *resampler_in, *resampler_out, *resampler_params; /* NULL where nothing is resampled */
    nt_ring *ring_in;     /* model rate, input channels; its oldest look_behind frames have been used already */
    nt_ring *ring_params; /* model rate, one frame for each unused frame of ring_in */
    nt_ring *ring_out;    /* model rate, output channels */
    nt_ring *ring_back;   /* host rate, output channels: starts with `delay` frames of silence */
    nt_ring *ring_dry;    /* host rate, host channels */

    uint32_t scratch_rows;
    float *scratch, *mapped; /* (scratch_rows, host_block) */
    float *curves;           /* (parameters, host_block) at the host's rate, 0..1 */

    _Atomic float *targets; /* set by any thread, read once a block */
    float *values;          /* where each parameter stood at the end of the last block */
    _Atomic float level_targets[NT_LEVELS];
    float levels[NT_LEVELS];
    bool started; /* before the first block there is nothing to ramp from */

    bool session_is_broken; /* its state may hold NaN: reset before the next run */
    uint64_t late;          /* starved frames whose audio is still to come, and to be dropped */
    nt_stream_stats stats;
};

#endif
