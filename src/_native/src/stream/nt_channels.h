/* Channel mapping from A to B channels: channel b of B is the mean of the channels a of A with a mod B == b, or, if
 * there are none (A < B), channel b mod A. Stereo folds to its mean, mono is duplicated. */
#ifndef NT_CHANNELS_H
#define NT_CHANNELS_H

#include "kernels/nt_kernels.h"
#include "neutone/nt_span.h"

/* [audio-thread] A channels of `source` into B channels of `target`, as long as the source; they must not overlap. */
void nt_map_channels(const nt_kernels *kernels, nt_span source, uint32_t A, nt_span target, uint32_t B);

#endif
