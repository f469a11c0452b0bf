/* The inside of a stream, shared by its three movements. */
#ifndef NT_STREAM_INTERNAL_H
#define NT_STREAM_INTERNAL_H

#include <stdatomic.h>

#include "base/nt_counter.h"
#include "base/nt_denormals.h"
#include "kernels/nt_kernels.h"
#include "neutone/nt_resampler.h"
#include "neutone/nt_ring.h"
#include "neutone/nt_stream.h"
#include "stream/nt_channels.h"

/* Input that found no room in ring_in: after `position` frames of it, `frames` (at the model's rate) are missing. They
 * come back as silence, in their place. */
typedef struct nt_gap {
    uint64_t position, frames;
} nt_gap;

/* A gap ends only when half of ring_in is free again, so more than a few cannot be on their way at a time. */
enum { NT_GAPS_MAX = 16 };

struct nt_stream {
    nt_stream_config config;
    const nt_kernels *kernels;
    bool resamples;
    uint32_t delay;

    nt_resampler *resampler_in, *resampler_out, *resampler_params; /* NULL if nothing is resampled */
    nt_ring *ring_in;     /* model rate, input channels; its oldest look_behind frames have been used already */
    nt_ring *ring_params; /* model rate, one frame for each unused frame of ring_in */
    nt_ring *ring_out;    /* model rate, output channels */
    nt_ring *ring_back;   /* host rate, output channels: starts with `delay` frames of silence */
    nt_ring *ring_dry;    /* host rate, host channels */

    nt_span scratch, mapped; /* host_block frames, rows for the most channels of any side */
    float **scratch_rows;    /* the rows of scratch, as a host would point to them */
    nt_span curves;          /* (parameters, host_block) at the host's rate, 0..1 */

    _Atomic float *targets; /* set by any thread, read once a block */
    float *values;          /* the value of each parameter at the end of the last block */
    _Atomic float level_targets[NT_LEVELS];
    float levels[NT_LEVELS];
    bool started; /* before the first block there is nothing to ramp from */

    uint64_t late; /* starved frames whose audio is still to come, and to be dropped */
    nt_span recent; /* NT_LATE_REPEAT: (out_channels, host_block), what was last heard in time */
    uint32_t repeat_position;
    float repeat_gain;

    nt_gap gaps[NT_GAPS_MAX]; /* the oldest first */
    uint32_t gap_count;
    bool in_gap;              /* the last of them is still growing */
    uint64_t pushed, returned; /* model frames put into ring_in, and taken out of ring_out */
    nt_span nowhere;           /* (in_channels or parameters, arrivals): memory that lost frames are resampled into */
    nt_span silence;           /* arrivals zeros, the same row for every channel */

    /* What the thread of `run` owns stays away from what the audio thread writes to. */
    char apart_from_audio[64];
    bool session_is_broken; /* its state may hold NaN: reset before the next run */
    nt_counter model_blocks, model_frames, failed_blocks, nonfinite_model;
    char apart_from_run[64];
    nt_counter host_blocks, host_frames, nonfinite_input, nonfinite_output, starved_frames, lost_frames;
};

#endif
