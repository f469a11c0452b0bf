/* Two sample rates as L / M in lowest terms: M input frames become L output frames. */
#ifndef NT_RATIO_H
#define NT_RATIO_H

#include <stdint.h>

typedef struct nt_ratio {
    uint32_t L; /* output */
    uint32_t M; /* input */
} nt_ratio;

static inline uint64_t nt_gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static inline nt_ratio nt_ratio_of(uint32_t rate_in, uint32_t rate_out)
{
    uint32_t g = (uint32_t)nt_gcd(rate_in, rate_out);
    return (nt_ratio){rate_out / g, rate_in / g};
}

#endif
