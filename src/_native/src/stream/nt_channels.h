/* Channel mapping from A to B channels: channel b of B is the mean of the channels a of A with a mod B == b, or, where
 * there is none (A < B), channel b mod A. Stereo folds to its mean, mono is duplicated. */
#ifndef NT_CHANNELS_H
#define NT_CHANNELS_H

#include "kernels/nt_kernels.h"

/* [audio-thread] Channel b goes to target + b * target_stride; source and target must not overlap. */
void nt_map_channels(const nt_kernels *kernels, const float *source, ptrdiff_t source_stride, uint32_t A,
                     float *target, ptrdiff_t target_stride, uint32_t B, uint32_t frames);

#endif
