/* Memory that can run out. The linker sends the core's malloc and calloc here (-Wl,--wrap). */
#ifndef NEUTONE_FUZZ_ALLOCATION_H
#define NEUTONE_FUZZ_ALLOCATION_H

#include <stdint.h>

enum { ALLOCATION_LIMIT = 32 << 20 /* bytes of one allocation */ };

/* From here to the end, allocations above the limit fail, and so does number `fails_at` (from 1; 0: none does). */
void allocation_begin(uint32_t fails_at);

/* Returns how many allocations failed. */
uint32_t allocation_end(void);

#endif
