#include "stream/nt_channels.h"

#include <string.h>

void nt_map_channels(const nt_kernels *kernels, nt_span source, uint32_t A, nt_span target, uint32_t B)
{
    for (uint32_t b = 0; b < B; b++) {
        float *to = nt_span_row(target, b);
        memcpy(to, nt_span_row(source, b % A), source.frames * sizeof(float));
        uint32_t members = 1;
        for (uint32_t a = b + B; a < A; a += B, members++)
            kernels->accumulate(to, nt_span_row(source, a), source.frames);
        if (members > 1)
            kernels->scale(to, 1.0f / (float)members, source.frames);
    }
}
