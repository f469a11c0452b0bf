#include "stream/nt_channels.h"

#include <string.h>

void nt_map_channels(const nt_kernels *kernels, const float *source, ptrdiff_t source_stride, uint32_t A,
                     float *target, ptrdiff_t target_stride, uint32_t B, uint32_t frames)
{
    for (uint32_t b = 0; b < B; b++) {
        float *to = target + (ptrdiff_t)b * target_stride;
        memcpy(to, source + (ptrdiff_t)(b % A) * source_stride, frames * sizeof(float));
        uint32_t members = 1;
        for (uint32_t a = b + B; a < A; a += B, members++)
            kernels->accumulate(to, source + (ptrdiff_t)a * source_stride, frames);
        if (members > 1)
            kernels->scale(to, 1.0f / (float)members, frames);
    }
}
